import type { Log } from "../internal/log.ts";
import { formatDuration } from "../internal/duration.ts";

/** Warns of tasks that held the event loop, once for each name. */
export class BlockedWarning {
  readonly #log: Log;
  readonly #kind: string;
  readonly #advice: string;
  readonly #warned = new Set<string>();

  /**
   * @param log - who is told
   * @param kind - of the tasks, as the warning begins: `"Task"`
   * @param advice - what that meant for others, and what to do
   */
  constructor(log: Log, kind: string, advice: string) {
    this.#log = log;
    this.#kind = kind;
    this.#advice = advice;
  }

  warn(names: readonly string[], blockedMs: number, how: string): void {
    const fresh = names.filter((name) => !this.#warned.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) this.#warned.add(name);
    const who = fresh.map((name) => `"${name}"`).join(", ");
    this.#log.advise(
      "AFTERWORD_BLOCKED",
      `${this.#kind} ${who} held the event loop for ${formatDuration(blockedMs)} ${how}; meanwhile ${this.#advice}: docs/guide/15-worker-threads.md.`,
      { tasks: fresh, blockedMs },
    );
  }
}
