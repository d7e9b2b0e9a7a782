import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { outputOf } from "./machine.ts";
import { BenchError } from "./question.ts";

/** What wrk saw. */
export interface Load {
  /** Requests that were answered completely. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Summary {
  readonly requests: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: Record<string, number>;
}

const script = fileURLToPath(new URL("post.lua", import.meta.url));
const run = promisify(execFile);

/** @throws {BenchError} that says how to install it */
export function wrkVersion(): string {
  const version = outputOf("wrk", ["-v"])?.match(/wrk \S+/)?.[0];
  if (version === undefined)
    throw new BenchError(
      "wrk, which makes the load, is not installed. Debian, Ubuntu: apt install wrk. macOS: brew install wrk.",
    );
  return version;
}

/**
 * Sends POST requests over `connections` connections, each as soon as the one before is answered.
 *
 * @param isRefused - whether each of them must be answered with a status of 400 or more, where otherwise none may
 * @throws {BenchError} if any of them failed
 */
export async function load(url: string, seconds: number, connections: number, isRefused = false): Promise<Load> {
  const { stdout } = await run("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url], {
    timeout: (seconds + 15) * 1_000,
    killSignal: "SIGKILL",
  });
  const { requests, microseconds, p50, p99, errors } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Summary;
  const { status = 0, ...others } = errors;
  if (requests === 0 || status !== (isRefused ? requests : 0) || Object.values(others).some((count) => count > 0))
    throw new BenchError(`${url}: of ${requests} requests some failed: ${JSON.stringify(errors)}.`);
  return { requests, seconds: microseconds / 1_000_000, p50Ms: p50 / 1_000, p99Ms: p99 / 1_000 };
}
