import { expect, it } from "vitest";
import { RevokedIds } from "./revoked-ids.ts";

it("remembers ids for three hours", () => {
  const ids = new RevokedIds();
  expect(ids.add(["a", "b"], 0)).toEqual(["a", "b"]);
  expect(ids.add(["a", "c"], 1_000)).toEqual(["c"]);
  expect(ids.all(2_000)).toEqual(["b", "a", "c"]);
  expect(ids.all(10_800_500)).toEqual(["a", "c"]);
});

it("remembers no more than 50,000", () => {
  const ids = new RevokedIds();
  ids.add(
    Array.from({ length: 60_000 }, (_, index) => `${index}`),
    0,
  );
  expect(ids.all(0)).toHaveLength(50_000);
  expect(ids.all(0)[0]).toBe("10000");
});
