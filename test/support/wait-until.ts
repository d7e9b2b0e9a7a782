import { setImmediate as nextImmediate, setTimeout as delay } from "node:timers/promises";

/** Waits for something that will become true by itself; throws when it has not within the time. */
export async function waitUntil(
  condition: () => unknown,
  { withinMs = 5_000, what = String(condition) }: { withinMs?: number; what?: string } = {},
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited ${withinMs} ms in vain until ${what}`);
    await delay(5);
  }
}

/** `promise`, or an error that says what did not come in time. */
export async function within<T>(promise: PromiseLike<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, withinMs, new Error(`Waited ${withinMs} ms in vain for ${what}`));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Lets the event loop turn, timers and sockets included: whatever was about to happen without further input has happened.
 * For asserting that something does *not* happen.
 */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await nextImmediate();
    if (turn % 5 === 0) await delay(1);
  }
}

/**
 * The least that a timer of `ms` may take by `performance.now()`: Node cuts its delay to whole milliseconds, and its clock
 * for timers is up to a millisecond behind.
 */
export function atLeast(ms: number): number {
  return ms - 2;
}
