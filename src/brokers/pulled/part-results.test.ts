import { describe, expect, it } from "vitest";
import { chordPartFailed, withResults, workerLost } from "./part-results.ts";

const results = new Map([
  ["a", '{"x":1.0}'],
  ["b", "null"],
]);
const ids = ["a", "b"];

describe("withResults", () => {
  it.each([
    ["[]", "nothing", "[]"],
    ['["x"]', "nothing", '["x"]'],
    ["[]", "result", '[{"x":1.0}]'],
    ['["x"]', "result", '[{"x":1.0},"x"]'],
    ["[]", "results", '[[{"x":1.0},null]]'],
    ['["x",2]', "results", '[[{"x":1.0},null],"x",2]'],
    [" [ ] ", "results", '[[{"x":1.0},null]]'],
  ] as const)("makes of %s, when %s is passed, %s", (args, pass, expected) => {
    expect(withResults({ args, after: { ids, pass } }, results)).toBe(expected);
  });

  it("leaves the arguments of a job alone that waits for none", () => {
    expect(withResults({ args: '["x"]', after: undefined }, results)).toBe('["x"]');
  });
});

describe("chordPartFailed", () => {
  it("names the part, how it ended and why", () => {
    const error = { name: "Error", message: "the disk is full" };
    const part = { task: "resize", status: "failed", error, reason: undefined } as const;
    expect(chordPartFailed("id-1", part)).toMatchObject({
      code: "chord_part_failed",
      message: 'It waited for others, and job id-1 of task "resize" ended as failed: the disk is full.',
    });
    expect(chordPartFailed("id-1", { ...part, status: "canceled", error: undefined, reason: "no" }).message).toContain(
      "ended as canceled: no",
    );
    expect(chordPartFailed("id-1", undefined).message).toContain("job id-1 is not known");
  });

  it("names the first cause along a chain, in a message that does not grow", () => {
    const first = chordPartFailed("id-1", undefined);
    const part = { task: "resize", status: "failed", error: first, reason: undefined } as const;
    expect(chordPartFailed("id-2", part)).toEqual(first);
  });
});

it("says how many workers a job has cost", () => {
  expect(workerLost(1)).toMatchObject({
    code: "worker_lost",
    message: expect.stringContaining("1 worker has") as string,
  });
  expect(workerLost(3).message).toContain("3 workers have");
});
