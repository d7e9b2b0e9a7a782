import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { waitUntil, within } from "../support/wait-until.ts";

const running = new Set<RunningExample>();

/** Called once at the top of a test file: what a test has started ends with it. */
export function endExamples(): void {
  afterEach(async () => {
    for (const example of [...running]) await example.kill();
    await removeTempDirectories();
  });
}

/**
 * Runs `examples/<name>.ts` as its reader would: in a process and a directory of its own, on a free port. Resolves when it
 * says that it serves.
 */
export async function runExample(
  name: string,
  env: Readonly<Record<string, string>> = {},
  directory?: string,
): Promise<RunningExample> {
  const example = new RunningExample(
    name,
    directory ?? (await createTempDirectory()),
    await createTempDirectory(),
    env,
  );
  running.add(example);
  void example.exited.then(() => running.delete(example));
  await waitUntil(() => example.url !== "" || example.hasExited, { withinMs: 15_000, what: "the example serves" });
  if (example.hasExited) throw new Error(`${name}.ts ended before it served:\n${example.stderr}`);
  return example;
}

export class RunningExample {
  /** Where it runs: a fresh directory. */
  readonly directory: string;
  /** What it has for `os.tmpdir()`. */
  readonly tempDirectory: string;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;

  constructor(name: string, directory: string, tempDirectory: string, env: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.tempDirectory = tempDirectory;
    const file = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, ["--conditions=afterword-source", file], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", PORT: "0", TMPDIR: tempDirectory, ...env },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    // "close" comes after the last output was read.
    this.exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get url(): string {
    return /^Serving on (\S+)\n/.exec(this.stdout)?.[1] ?? "";
  }

  /** What it has printed since it serves. */
  get lines(): string[] {
    return this.stdout.split("\n").slice(1, -1);
  }

  /** What it has printed to stderr, without Node's warnings: a busy machine may earn some. */
  get complaints(): string[] {
    return this.stderr
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("(node:") && !line.startsWith("(Use `node"));
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, this.url), init);
  }

  /** Ends it as an operator does: it drains its tasks first. Resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return within(this.exited, 10_000, "the end of the example");
  }

  async kill(): Promise<void> {
    if (!this.hasExited) this.#child.kill("SIGKILL");
    await this.exited;
  }
}
