import { spawn, type ChildProcess } from "node:child_process";
import { freePort } from "../support/free-port.ts";
import { waitUntil, within } from "../support/wait-until.ts";

const running = new Set<ServedProgram>();

/** Kills what a test has left running, each by its own id. */
export async function endPrograms(): Promise<void> {
  for (const program of [...running]) await program.kill();
}

/** How a runtime serves a file that exports a fetch handler, on this port. */
export type ServeCommand = (file: string, port: number) => { readonly program: string; readonly args: string[] };

/** Serves a file in another runtime; resolves when it takes connections. */
export async function serveProgram(
  command: ServeCommand,
  file: string,
  env: Readonly<Record<string, string>>,
  directory?: string,
): Promise<ServedProgram> {
  const port = await freePort();
  const { program, args } = command(file, port);
  const served = new ServedProgram(program, args, port, env, directory);
  running.add(served);
  void served.exited.then(() => running.delete(served));
  await waitUntil(
    async () =>
      served.hasExited ||
      (await fetch(new URL("/ready", served.url)).then(
        () => true,
        () => false,
      )),
    { withinMs: 30_000, what: `${program} serves` },
  );
  if (served.hasExited) throw new Error(`${program} ended before it served:\n${served.output}`);
  return served;
}

export class ServedProgram {
  readonly url: string;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;

  constructor(
    program: string,
    args: readonly string[],
    port: number,
    env: Readonly<Record<string, string>>,
    directory: string | undefined,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.#child = spawn(program, args, {
      ...(directory !== undefined && { cwd: directory }),
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", PORT: String(port), ...env },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What the fixture has told, in order. */
  get events(): string[] {
    return this.stdout.split("\n").flatMap((line) => /^event: (.*)$/.exec(line)?.[1] ?? []);
  }

  async tells(event: string): Promise<void> {
    await waitUntil(() => this.events.includes(event) || this.hasExited, { withinMs: 20_000, what: `"${event}"` });
    if (!this.events.includes(event)) throw new Error(`It ended without "${event}":\n${this.output}`);
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, this.url), init);
  }

  /** Resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return within(this.exited, 20_000, "the end of the program");
  }

  async kill(): Promise<void> {
    if (!this.hasExited) this.#child.kill("SIGKILL");
    await this.exited;
  }
}
