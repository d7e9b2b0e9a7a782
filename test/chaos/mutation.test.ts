// A chaos test that finds nothing proves nothing, unless it finds something where something is wrong: here the guards of
// endings are taken away in a copy of the sources.
import { describe, expect, test } from "vitest";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { CopiedSources } from "./copied-sources.ts";
import { runStaleEnding, type Moment } from "./stale-ending.ts";

keepTidy();

const moments: readonly Moment[] = ["the other worker runs the job", "the other worker has ended the job"];

describe("an ending that comes after the lease", () => {
  test.each(moments)("is refused while %s", { timeout: 60_000 }, async (moment) => {
    using sources = new CopiedSources();
    const { faults, refusals } = await runStaleEnding("sqlite", await createTempDirectory(), moment, sources.entry);
    expect(faults).toEqual([]);
    expect(refusals).toBe(1);
  });
});

describe("the chaos checks", () => {
  test("notice a store that takes an ending of any epoch", { timeout: 60_000 }, async () => {
    using sources = new CopiedSources();
    const { entry } = sources.mutate({
      file: "brokers/sqlite/succeed.ts",
      from: "WHERE epoch = given.value ->> 1 AND state = 'running'",
      to: "WHERE true",
    });
    const { faults } = await runStaleEnding(
      "sqlite",
      await createTempDirectory(),
      "the other worker runs the job",
      entry,
    );
    expect(faults).toEqual([expect.stringMatching(/was held by process \d+ and ended by process \d+/)]);
  });

  test("notice a store in which the last ending replaces the first", { timeout: 60_000 }, async () => {
    using sources = new CopiedSources();
    const { entry } = sources.mutate({
      file: "brokers/sqlite/succeed.ts",
      from: "if (moved.length === 0) return given.map(() => false);",
      to: `if (moved.length === 0) {
        for (const [id, , result] of given) db.run("UPDATE afterword_ended SET result = ? WHERE id = ?", result, id);
        return "all";
      }`,
    });
    const { faults } = await runStaleEnding(
      "sqlite",
      await createTempDirectory(),
      "the other worker has ended the job",
      entry,
    );
    expect(faults).toContainEqual(expect.stringMatching(/ended 2 times/));
  });

  test("refuse to change a text that is not there", () => {
    using sources = new CopiedSources();
    expect(() => sources.mutate({ file: "index.ts", from: "no such guard", to: "" })).toThrow(
      "must contain this text once, but does 0 times",
    );
  });
});
