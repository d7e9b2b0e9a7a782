import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { atExit } from "./at-exit.ts";
import { cpuTime } from "./cpu-time.ts";
import { BenchError } from "./question.ts";
import type { Command } from "./server-process.ts";

/**
 * A worker in a process of its own. It prints `ready`, then `first` and `last` for the jobs that say so, and at its end
 * `ran <number of jobs>`.
 */
export class WorkerProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #toldAtMs = new Map<string, number>();
  #output = "";

  constructor(name: string, { command, args, env }: Command, cwd: string) {
    this.#name = name;
    // In a group of its own, so that the processes that it starts can be ended with it.
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_ENV: "production", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child.once(
      "exit",
      atExit(() => this.kill()),
    );
    this.#child.once("error", (error) => (this.#output += String(error)));
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        for (const [word] of text.matchAll(/^\w+$/gm)) this.#toldAtMs.set(word, performance.now());
      });
  }

  /** Microseconds of CPU so far, with the processes that it has started. */
  get cpuTime(): number {
    return cpuTime(this.#child.pid!);
  }

  /** When it said a word. */
  toldAtMs(word: string): number | undefined {
    return this.#toldAtMs.get(word);
  }

  /** @throws {BenchError} with what it wrote, when it has ended */
  assertRuns(): void {
    if (!this.#runs) throw new BenchError(`${this.#name} has ended. It wrote:\n${this.#output || "nothing"}`);
  }

  /** @returns how many jobs it ran */
  async stop(withinMs: number): Promise<number> {
    this.assertRuns();
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await Promise.race([closed, sleep(withinMs, undefined, { ref: false })]);
    const ran = /^ran (\d+)$/m.exec(this.#output)?.[1];
    if (ran === undefined) throw new BenchError(`${this.#name} did not end well. It wrote:\n${this.#output}`);
    return Number(ran);
  }

  kill(): void {
    if (this.#runs) process.kill(-this.#child.pid!, "SIGKILL");
  }

  get #runs(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }
}
