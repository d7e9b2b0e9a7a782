import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { within } from "./wait-until.ts";

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the start of the program, in milliseconds. */
  readonly afterMs: number;
}

const running = new Set<ChildApp>();

/** What a program is started with. */
export interface ChildOptions {
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Kills the programs that a test has left running, each by its own id. */
export async function endChildren(): Promise<void> {
  for (const child of [...running]) await child.kill();
}

/**
 * Runs a fixture, a TypeScript file that serves an app and prints `ready <port>`, in a Node process of its own, with the
 * package's sources. Resolves when it is ready.
 */
export async function startChildApp(
  fixture: URL,
  { env = {}, withinMs = 15_000 }: { env?: Readonly<Record<string, string>>; withinMs?: number } = {},
): Promise<ChildApp> {
  const child = startChild(fixture, { env });
  const line = await within(
    Promise.race([
      child.line(/^ready \d+$/m, withinMs),
      child.exited.then(({ code }) => {
        throw new Error(`The fixture ended with exit code ${code} before it was ready:\n${child.stderr}`);
      }),
    ]),
    withinMs,
    "the fixture to be ready",
  );
  child.port = Number(line.split(" ")[1]);
  return child;
}

/** Runs a TypeScript program in a Node process of its own, with the package's sources. It is killed at the end of the test. */
export function startChild(program: URL, options: ChildOptions = {}): ChildApp {
  const child = new ChildApp(program, options);
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

export class ChildApp {
  stdout = "";
  stderr = "";
  port = 0;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  constructor(program: URL, { args = [], cwd, env = {} }: ChildOptions) {
    const startedMs = performance.now();
    this.#child = spawn(process.execPath, ["--conditions=afterword-source", fileURLToPath(program), ...args], {
      ...(cwd !== undefined && { cwd }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, NODE_OPTIONS: "", ...env },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      for (const listener of [...this.#listeners]) listener();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#child.on("error", () => {});
    this.exited = new Promise((resolve) => {
      // "close" comes after the last output was read.
      this.#child.once("close", (code, signal) => resolve({ code, signal, afterMs: performance.now() - startedMs }));
    });
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The lines of its standard output, without the ready line. */
  get lines(): string[] {
    return this.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("ready "));
  }

  /** The lines of its standard error, without Node's warnings: a busy machine may earn some. */
  get complaints(): string[] {
    return this.stderr
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("(node:") && !line.startsWith("(Use `node"));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Opens a gate of the fixture by its name. */
  tell(message: string): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Resolves with what matches in its standard output, once something does. */
  async line(pattern: RegExp, withinMs = 10_000): Promise<string> {
    const find = (): string | undefined => pattern.exec(this.stdout)?.[0];
    const known = find();
    if (known !== undefined) return known;
    let listener = (): void => {};
    const found = new Promise<string>((resolve) => {
      listener = () => {
        const text = find();
        if (text !== undefined) resolve(text);
      };
      this.#listeners.add(listener);
    });
    try {
      return await within(found, withinMs, `${pattern} in the output of the fixture; stderr so far: ${this.stderr}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nstdout:\n${this.stdout}\nstderr:\n${this.stderr}`, {
        cause: error,
      });
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** How it ended; an error if it does not within the time. */
  exit(withinMs = 10_000): Promise<Exit> {
    return within(this.exited, withinMs, "the end of the fixture");
  }

  async kill(): Promise<void> {
    if (!this.hasExited) this.#child.kill("SIGKILL");
    await this.exited;
  }
}
