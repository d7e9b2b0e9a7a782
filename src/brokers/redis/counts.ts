import type { QueueCounts } from "../../tasks/broker.ts";
import type { Reply } from "./connection.ts";

type MutableCounts = { -readonly [K in keyof QueueCounts]: QueueCounts[K] };

/** The counts of the engine's queues put together: a queue and those of its tasks with limits. */
export function toCounts(reply: Reply): readonly QueueCounts[] {
  const [rows, paused] = reply as readonly [readonly (readonly [string, ...number[]])[], readonly string[]];
  const found = new Map<string, MutableCounts>();
  const of = (queue: string): MutableCounts => {
    let known = found.get(queue);
    if (known === undefined) {
      const zeros = { scheduled: 0, queued: 0, running: 0, succeeded: 0, failed: 0, canceled: 0, expired: 0 };
      found.set(queue, (known = { queue, isPaused: false, oldestQueuedAt: undefined, ...zeros }));
    }
    return known;
  };
  for (const queue of paused) of(queue).isPaused = true;
  for (const [queue, ...numbers] of rows) {
    const [scheduled, queued, running, succeeded, failed, canceled, expired, oldestAt] =
      numbers as unknown as readonly [number, number, number, number, number, number, number, number];
    if (scheduled + queued + running + succeeded + failed + canceled + expired === 0) continue;
    const counts = of(queue);
    counts.scheduled += scheduled;
    counts.queued += queued;
    counts.running += running;
    counts.succeeded += succeeded;
    counts.failed += failed;
    counts.canceled += canceled;
    counts.expired += expired;
    if (oldestAt >= 0) counts.oldestQueuedAt = Math.min(counts.oldestQueuedAt ?? Infinity, oldestAt);
  }
  return [...found.values()].toSorted((a, b) => (a.queue < b.queue ? -1 : 1));
}
