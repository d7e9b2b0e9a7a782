/**
 * A message waits for any time in queues that let it go after a fixed time each, so that none waits behind another: step `n`
 * holds it for 2^n times the shortest. Whether it waits there or passes by is said by one letter of its routing key, from the
 * highest step down; behind the letters stands the queue that it goes to in the end. The server does all of it, with or without
 * workers. The idea is that of NServiceBus, which Celery 5.5 took over for quorum queues.
 */

/** How long the lowest step holds a message. Times are rounded up to it, so that none comes too early. */
const unitMs = 8;
/** Up to about 24 days; RabbitMQ holds no message for longer than 2^32 ms in one queue. */
export const ladderSteps = 28;
/** The longest time that one climb takes. */
export const maxDelayMs: number = unitMs * (2 ** ladderSteps - 1);

/** How long a step holds a message. */
export function stepMs(step: number): number {
  return unitMs * 2 ** step;
}

/** Where a message that is to wait is published to. */
export interface LadderEntry {
  /** The highest step that holds it; `undefined` when it need not wait. */
  readonly step: number | undefined;
  /** Without a step, the name of the queue itself. */
  readonly routingKey: string;
}

/** @param delayMs - more than {@link maxDelayMs} waits that long only */
export function enterLadder(delayMs: number, queue: string): LadderEntry {
  if (delayMs <= 0) return { step: undefined, routingKey: queue };
  const units = Math.ceil(Math.min(delayMs, maxDelayMs) / unitMs);
  const bits = units.toString(2).padStart(ladderSteps, "0");
  return { step: ladderSteps - 1 - bits.indexOf("1"), routingKey: `${[...bits].join(".")}.${queue}` };
}

/** What the routing keys look like that a step holds, or lets pass. */
export function stepPattern(step: number, isHeld: boolean): string {
  return `${"*.".repeat(ladderSteps - 1 - step)}${isHeld ? "1" : "0"}.#`;
}

/** What the routing keys look like that leave the ladder for a queue. */
export function exitPattern(queue: string): string {
  return `${"*.".repeat(ladderSteps)}${queue}`;
}
