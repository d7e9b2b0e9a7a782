import { setTimeout as delay } from "node:timers/promises";

/** Waits for something that becomes true by itself; throws when it has not within the time. */
export async function waitUntil(condition: () => unknown, withinMs: number, what: string): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited ${withinMs} ms in vain until ${what}.`);
    await delay(5);
  }
}

/** `promise`, or an error that says what did not come in time. */
export async function within<T>(promise: PromiseLike<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, withinMs, new Error(`Waited ${withinMs} ms in vain for ${what}.`));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets time pass: for cases that are about time itself, or about what must not happen meanwhile. */
export async function pass(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) await delay(Math.max(1, endMs - performance.now()));
}
