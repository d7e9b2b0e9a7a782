import * as fc from "fast-check";
import { expect, test } from "vitest";
import { maxDelayMs as maxCarriedMs } from "../carried/carrier.ts";
import { enterLadder, exitPattern, ladderSteps, maxDelayMs, stepMs, stepPattern } from "./delay-ladder.ts";

/** Whether a topic exchange of AMQP 0-9-1 takes a routing key by a pattern: `*` is one word, `#` is any number of them. */
function matches(pattern: string, key: string): boolean {
  const match = (patterns: readonly string[], words: readonly string[]): boolean => {
    const [first, ...rest] = patterns;
    if (first === undefined) return words.length === 0;
    if (first === "#")
      return words.length === 0 ? match(rest, words) : match(rest, words) || match(patterns, words.slice(1));
    return words.length > 0 && (first === "*" || first === words[0]) && match(rest, words.slice(1));
  };
  return match(pattern.split("."), key.split("."));
}

/** How long a message stays on its way down the ladder; each exchange must lead to exactly one place. */
function climb(delayMs: number, queue: string): number {
  const { step: first, routingKey } = enterLadder(delayMs, queue);
  if (first === undefined) {
    // It goes to its queue at once, without an exchange.
    expect(routingKey).toBe(queue);
    return 0;
  }
  let waitedMs = 0;
  for (let step = first; step >= 0; step--) {
    const isHeld = matches(stepPattern(step, true), routingKey);
    expect(matches(stepPattern(step, false), routingKey)).toBe(!isHeld);
    if (isHeld) waitedMs += stepMs(step);
  }
  expect(matches(stepPattern(first, true), routingKey)).toBe(true);
  expect(matches(exitPattern(queue), routingKey)).toBe(true);
  return waitedMs;
}

test("a message waits for its delay, rounded up to the shortest step", () => {
  fc.assert(
    fc.property(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: maxDelayMs })), (delayMs) => {
      expect(climb(delayMs, "afterword.mail.p9")).toBe(Math.ceil(delayMs / 8) * 8);
    }),
  );
});

test("short delays are rounded as well, and only what need not wait does not", () => {
  expect(enterLadder(0, "q").step).toBe(undefined);
  expect([0.5, 1, 8, 9, 16, 17].map((delayMs) => climb(delayMs, "q"))).toEqual([8, 8, 8, 16, 16, 24]);
});

test("what is longer than the ladder waits for as long as it can, and whoever sends never asks for that", () => {
  expect(climb(10 * maxDelayMs, "q")).toBe(maxDelayMs);
  expect(maxCarriedMs).toBeLessThan(maxDelayMs);
});

test("a message leaves the ladder for its own queue only", () => {
  const { routingKey } = enterLadder(5_000, "a.b");
  expect(["a", "b", "a.b.c", "x.a.b", "a.c"].map((queue) => matches(exitPattern(queue), routingKey))).toEqual(
    Array.from({ length: 5 }, () => false),
  );
  expect(ladderSteps * 2 + 190).toBeLessThan(256);
});
