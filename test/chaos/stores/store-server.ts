import { execFile, spawn, type ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Long: a node of RabbitMQ that was killed mends its files, on a machine that others keep busy. 90 seconds were too short once. */
const startMs = 300_000;

export interface StoreServerOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whom it runs as. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** With which it ends at once, by itself. */
  readonly shutdownSignal: NodeJS.Signals;
  /** Whether it does what it is asked. */
  readonly answers: () => Promise<boolean>;
}

/** The server of a store, of the test's own: it is killed, frozen and started again while others need it. */
export class StoreServer {
  /** Whether it runs and is not frozen. */
  isUp = false;
  /** Since when. */
  upAt = 0;
  readonly #options: StoreServerOptions;
  #child: ChildProcess | undefined;
  #log = "";

  constructor(options: StoreServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const lateMs = performance.now() + startMs;
    while (!(await this.#tryToStart(lateMs)))
      if (performance.now() > lateMs) throw new Error(`${this.#options.program} does not start:\n${this.#log}`);
    this.upAt = Date.now();
    this.isUp = true;
  }

  /** With all of its processes, in the middle of what they do. */
  async kill(): Promise<void> {
    this.isUp = false;
    const pids = await this.#stopAll();
    for (const pid of pids.toReversed()) signal(pid, "SIGKILL");
    await this.#ended();
  }

  async shutdown(): Promise<void> {
    this.isUp = false;
    this.#child?.kill(this.#options.shutdownSignal);
    await this.#ended();
  }

  /** Connections stand, and nothing is answered. */
  async freeze(): Promise<void> {
    this.isUp = false;
    await this.#stopAll();
  }

  async thaw(): Promise<void> {
    for (const pid of (await this.#pids()).toReversed()) signal(pid, "SIGCONT");
    this.upAt = Date.now();
    this.isUp = true;
  }

  /** Whether it has been there all the time since then. */
  isUpSince(at: number): boolean {
    return this.isUp && this.upAt < at;
  }

  async #tryToStart(lateMs: number): Promise<boolean> {
    const { program, args, folder, env, user, answers } = this.#options;
    const child = spawn(program, args, {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      ...user,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#log = (this.#log + text).slice(-4_000)));
    child.on("error", (error) => (this.#log += String(error)));
    while (performance.now() < lateMs) {
      // One that was killed a moment ago may still have the port or the memory.
      if (hasEnded(child)) return delay(100, false);
      if (await answers()) return true;
      await delay(20);
    }
    child.kill("SIGKILL");
    return false;
  }

  /** The first process forks no more before the others are looked for. */
  async #stopAll(): Promise<readonly number[]> {
    if (this.#child?.pid !== undefined) signal(this.#child.pid, "SIGSTOP");
    const pids = await this.#pids();
    for (const pid of pids) signal(pid, "SIGSTOP");
    return pids;
  }

  /** The first is the one that was started; the others are its children. */
  async #pids(): Promise<readonly number[]> {
    const child = this.#child;
    if (child?.pid === undefined || hasEnded(child)) return [];
    const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
    const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
    return [child.pid, ...rows.flatMap(([pid, parent]) => (parent === child.pid ? [pid] : []))];
  }

  async #ended(): Promise<void> {
    const child = this.#child;
    const lateMs = performance.now() + 10_000;
    while (child && !hasEnded(child)) {
      if (performance.now() > lateMs) throw new Error(`${this.#options.program} does not end`);
      await delay(5);
    }
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** One that has ended in the meantime needs no signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {}
}
