import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { waitUntil, within } from "./wait-until.ts";

/** Debian's packages are seen by /usr/bin/python3 alone, whatever `python3` is on the path. */
const pythons = [process.env.AFTERWORD_TEST_PYTHON, "/usr/bin/python3", "python3"].filter((path) => path !== undefined);

const hasModules =
  "import sys; from importlib.util import find_spec; sys.exit(not (find_spec('celery') and find_spec('redis')))";

/** A Python that has Celery and its client of Redis. */
export const celeryPython: string | undefined = pythons.find(
  (python) => spawnSync(python, ["-c", hasModules], { stdio: "ignore" }).status === 0,
);

const running = new Set<PythonProcess>();

/** Runs Python with these arguments in a folder. It is killed by {@link endPythons}, or ends itself. */
export function startPython(
  args: readonly string[],
  options: { readonly cwd: URL; readonly env: Readonly<Record<string, string>> },
): PythonProcess {
  const python = new PythonProcess(args, options);
  running.add(python);
  return python;
}

/** Kills the processes that a test has left running, each by its own id. */
export async function endPythons(): Promise<void> {
  await Promise.all(Array.from(running, (python) => python.end("SIGKILL")));
}

export class PythonProcess {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], { cwd, env }: Parameters<typeof startPython>[1]) {
    // A group of its own: Celery's pool has processes that would outlive a killed parent.
    this.#child = spawn(celeryPython ?? "python3", args, {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1", ...env },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#closed = once(this.#child, "close").finally(() => running.delete(this));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.stdout + this.stderr;
  }

  /** Resolves once something matches in what it prints. */
  async prints(pattern: RegExp, withinMs = 20_000): Promise<void> {
    try {
      await waitUntil(() => pattern.test(this.output), { withinMs });
    } catch (error) {
      throw new Error(`${String(pattern)} was not printed within ${withinMs} ms:\n${this.output}`, { cause: error });
    }
  }

  /** What it has printed to its standard output, at its end. Whatever its exit code. */
  async result(withinMs = 20_000): Promise<string> {
    try {
      await within(this.#closed, withinMs, "the end of a Python program");
    } catch (error) {
      throw new Error(`${String(error)}\n${this.output}`, { cause: error });
    }
    return this.stdout;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(signal === "SIGKILL" ? -pid : pid, signal);
    } catch {
      // It has ended by itself.
    }
    await within(this.#closed, 20_000, "the end of a Python program");
  }
}
