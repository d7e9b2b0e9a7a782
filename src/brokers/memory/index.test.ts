import { expect, it } from "vitest";
import { memory } from "./index.ts";

it("can do everything but outlive the process and take part in a transaction", () => {
  const broker = memory();
  expect(broker).toMatchObject({ name: "memory", isEmbedded: true, isDurable: false });
  expect(broker.supports.has("transaction")).toBe(false);
  expect(broker.supports.size).toBe(11);
});

it("refuses options that it does not know or that make no sense, and says what it takes", () => {
  const options: object = { maxSize: 10 };
  expect(() => memory(options)).toThrow('memory() has no option "maxSize". It has maxQueued.');
  for (const maxQueued of [-1, 1.5, NaN])
    expect(() => memory({ maxQueued })).toThrow(/maxQueued must be an integer of 0 or more, but got/);
});
