import type { JobRecord } from "./job-record.ts";
import { isBefore, type Lane } from "./lane.ts";
import type { QueueRecord } from "./queue-record.ts";

/** Takes jobs of several lanes, the first of all first, as long as their limits have room. */
export class LaneChoice {
  readonly #lanes: Lane[] = [];
  readonly #now: number;
  /** When a rate that holds jobs back has room again; `Infinity` when none does. */
  nextRoomAt: number = Infinity;

  constructor(queues: readonly QueueRecord[], now: number) {
    this.#now = now;
    for (const queue of queues) if (!queue.isPaused) this.#lanes.push(...queue.lanes);
  }

  take(): JobRecord | undefined {
    const lanes = this.#lanes;
    let best: JobRecord | undefined;
    let from: Lane | undefined;
    for (let index = lanes.length - 1; index >= 0; index--) {
      const lane = lanes[index]!;
      const record = this.#firstOf(lane);
      if (record === undefined) {
        lanes[index] = lanes.at(-1)!;
        lanes.pop();
      } else if (isBefore(record, best)) {
        best = record;
        from = lane;
      }
    }
    if (best !== undefined) from!.shift(best);
    return best;
  }

  #firstOf(lane: Lane): JobRecord | undefined {
    const record = lane.first();
    if (record === undefined || lane.limit === undefined) return record;
    const roomAt = lane.limit.roomAt(this.#now);
    if (roomAt <= this.#now) return record;
    this.nextRoomAt = Math.min(this.nextRoomAt, roomAt);
    return undefined;
  }
}
