import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { atExit } from "./at-exit.ts";
import { cpuTime } from "./cpu-time.ts";
import { BenchError } from "./question.ts";

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

const startMs = 20_000;
const stopMs = 5_000;

/** A server in a process of its own, on a free port of 127.0.0.1. */
export class ServerProcess {
  readonly name: string;
  readonly url: string;
  readonly #child: ChildProcess;
  #output = "";

  /** Starts it and waits until `probe` is answered. */
  static async start(name: string, toCommand: (port: number) => Command, probe: string): Promise<ServerProcess> {
    const port = await findFreePort();
    const server = new ServerProcess(name, toCommand(port), `http://127.0.0.1:${port}`);
    try {
      await server.#answers(probe);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private constructor(name: string, { command, args, env }: Command, url: string) {
    this.name = name;
    this.url = url;
    this.#child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_ENV: "production", ...env },
    });
    this.#child.once(
      "exit",
      atExit(() => this.#child.kill("SIGKILL")),
    );
    this.#child.once("error", (error) => (this.#output += String(error)));
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-4_000)));
  }

  /** Microseconds of CPU so far. */
  get cpuTime(): number {
    this.assertRuns();
    return cpuTime(this.#child.pid!);
  }

  get #runs(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @throws {BenchError} with what it wrote, when it has ended */
  assertRuns(): void {
    if (this.#runs) return;
    throw new BenchError(`The server "${this.name}" has ended. It wrote:\n${this.#output || "nothing"}`);
  }

  async stop(): Promise<void> {
    if (!this.#runs) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await Promise.race([exited, sleep(stopMs, undefined, { ref: false })]);
    if (this.#runs) this.#child.kill("SIGKILL");
    await exited;
  }

  async #answers(probe: string): Promise<void> {
    const deadline = performance.now() + startMs;
    while (performance.now() < deadline) {
      this.assertRuns();
      const response = await fetch(this.url + probe, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.ok) return;
      await sleep(50);
    }
    throw new BenchError(
      `The server "${this.name}" did not answer ${probe} within ${startMs / 1_000} s. It wrote:\n${this.#output || "nothing"}`,
    );
  }
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
