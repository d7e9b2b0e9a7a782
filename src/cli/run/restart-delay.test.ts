import { expect, it } from "vitest";
import { restartDelayMs } from "./restart-delay.ts";

it("a process that has served for long is replaced at once, others after a pause that doubles up to 5 s", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 100].map(restartDelayMs)).toEqual([
    0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000,
  ]);
});
