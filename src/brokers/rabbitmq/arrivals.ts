import type { Channel, ConsumeMessage } from "amqplib";
import type { IncomingMessage } from "../carried/carrier.ts";

/** So long the first messages may take to come. */
const firstMs = 25;
/** So long the next message of a queue may take to come after one was settled: on a busy server that is a write to its disk. */
const nextMs = 100;

/** A message with its place on the channel that it came through. */
export interface Arrival extends IncomingMessage {
  readonly channel: Channel;
  /** The queue of the server that it came from. */
  readonly source: string;
  readonly message: ConsumeMessage;
  readonly arrivedAtMs: number;
  readonly isReturned: boolean;
  isSettled: boolean;
}

/** What has come and waits to be taken: by priority, and within one, what was given back before the others. */
export class Arrivals {
  readonly #ranks: Arrival[][] = Array.from({ length: 20 }, () => []);
  /** Until then the server may be about to send one of this rank, which comes before those of lower ranks. */
  readonly #quietUntilMs: number[] = Array.from({ length: 20 }, () => 0);
  /** How many of each queue are not settled, whether they were taken or not. */
  readonly #unsettled = new Map<string, number>();
  readonly #prefetch: number;

  /** @param prefetch - how many of each queue the server sends before one is settled */
  constructor(prefetch: number) {
    this.#prefetch = prefetch;
  }

  add(arrival: Arrival): void {
    this.#rankOf(arrival).push(arrival);
    this.#unsettled.set(arrival.source, this.#unsettledOf(arrival) + 1);
  }

  putBack(arrival: Arrival): void {
    this.#rankOf(arrival).unshift(arrival);
  }

  /** From now on something may come of each rank. */
  begin(): void {
    this.#quietUntilMs.fill(performance.now() + firstMs);
  }

  settled(arrival: Arrival): void {
    const unsettled = this.#unsettledOf(arrival);
    this.#unsettled.set(arrival.source, unsettled - 1);
    // Otherwise the server had nothing more: it would have sent it.
    if (unsettled >= this.#prefetch) this.#quietUntilMs[rankOf(arrival)] = performance.now() + nextMs;
  }

  /** @returns up to so many; and in how many milliseconds it is known whether something comes before those that are left */
  take(count: number): { readonly taken: readonly Arrival[]; readonly uncertainMs: number } {
    const taken: Arrival[] = [];
    const nowMs = performance.now();
    for (let rank = this.#ranks.length - 1; rank >= 0 && taken.length < count; rank--) {
      const waiting = this.#ranks[rank]!;
      if (waiting.length > 0) taken.push(...waiting.splice(0, count - taken.length));
      else if (this.#quietUntilMs[rank]! > nowMs) return { taken, uncertainMs: this.#quietUntilMs[rank]! - nowMs };
    }
    return { taken, uncertainMs: 0 };
  }

  /** Removes those that arrived before then, by rank. */
  removeUntil(atMs: number): readonly Arrival[] {
    const removed: Arrival[] = [];
    for (const rank of this.#ranks.toReversed())
      for (const arrival of rank.splice(0)) (arrival.arrivedAtMs <= atMs ? removed : rank).push(arrival);
    return removed;
  }

  /** Removes those of other queues. */
  removeUnless(isWanted: (queue: string) => boolean): readonly Arrival[] {
    const removed: Arrival[] = [];
    for (const rank of this.#ranks.toReversed())
      for (const arrival of rank.splice(0)) (isWanted(arrival.queue) ? rank : removed).push(arrival);
    return removed;
  }

  /** @returns all that wait: what comes from now on comes anew */
  clear(): readonly Arrival[] {
    this.#unsettled.clear();
    return this.removeUntil(Infinity);
  }

  #unsettledOf({ source }: Arrival): number {
    return this.#unsettled.get(source) ?? 0;
  }

  #rankOf(arrival: Arrival): Arrival[] {
    return this.#ranks[rankOf(arrival)]!;
  }
}

function rankOf({ priority, isReturned }: Arrival): number {
  return priority * 2 + Number(isReturned);
}
