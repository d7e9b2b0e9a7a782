import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createTempDirectory } from "../support/temp-directory.ts";

const root = resolve(import.meta.dirname, "../..");

/** Where npm has put the program of another JavaScript runtime for this machine; `undefined` if it has none for it. */
export function findRuntime(...candidates: readonly string[]): string | undefined {
  return candidates.map((path) => join(root, "node_modules", path)).find((path) => existsSync(path));
}

/** Why tests are skipped without a runtime, for their names. In CI they are not. */
export function unlessFound(name: string, program: string | undefined): string {
  return program === undefined ? ` [skipped: npm has installed no ${name} for this machine]` : "";
}

export function isWanted(program: string | undefined): boolean {
  return program !== undefined || process.env.CI !== undefined;
}

/** What became of the tests that ran in another runtime, by their full names. */
export interface SuiteReport {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * What of the suite needs Node's own server, its sockets and processes, or a framework that stands on them. The rest is the
 * portable half: `app.fetch` and the adapters for hosts without a socket.
 */
const ofNode = [
  "over socket",
  "on the wire",
  "in a process of its own",
  "case 28, ",
  "websocket",
  "Nest on",
  "in (?:node|express|fastify|koa|hono on Node)\\b",
  "goes past",
  "Fastify's user",
  "Express's user",
  "node:http2",
  "23 a status of 500",
];

/** Runs the portable half of the conformance suite in another runtime, with the very test runner of this one. */
export async function runPortableHalf(
  program: string,
  args: readonly string[],
  pool: "forks" | "threads",
): Promise<SuiteReport> {
  const file = join(await createTempDirectory(), "report.json");
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS|AFTERWORD_REPORT)/.test(name)),
  );
  const output = await new Promise<string>((resolved) =>
    execFile(
      program,
      [
        ...args,
        "node_modules/vitest/vitest.mjs",
        "run",
        ...["--pool", pool],
        ...["--reporter", "json", "--outputFile", file],
        ...["--testNamePattern", `^(?!.*(?:${ofNode.join("|")}))`],
        ...["--maxWorkers", "1", "--testTimeout", "60000", "--hookTimeout", "60000"],
        "test/semantics/",
        ...["background-tasks", "named-tasks", "promise", "responses"].map((name) => `test/adapters/${name}.test.ts`),
      ],
      { cwd: root, env, timeout: 540_000, killSignal: "SIGKILL", maxBuffer: 50_000_000 },
      (_error, stdout, stderr) => resolved(stdout + stderr),
    ),
  );
  if (!existsSync(file)) throw new Error(`The suite has not run to its end:\n${output.slice(-5_000)}`);
  const { testResults } = JSON.parse(await readFile(file, "utf8")) as VitestReport;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: tests.filter(({ status }) => status === "passed").map(({ fullName }) => fullName),
    failed: [
      ...testResults
        .filter(({ assertionResults }) => assertionResults.length === 0)
        .map(({ name, message }) => ({ name, message })),
      ...tests
        .filter(({ status }) => status === "failed")
        .map(({ fullName, failureMessages }) => ({ name: fullName, message: failureMessages.join("\n") })),
    ],
  };
}
