import { describe, expect, it } from "vitest";
import { createNewJob } from "../pulled/new-job.fixture.ts";
import { toInsert, type JobInsert } from "./job-insert.ts";
import { PlainIntake } from "./plain-intake.ts";

/** Statements that wait until they are let go. */
class Statements {
  readonly sizes: number[] = [];
  readonly intake: PlainIntake = new PlainIntake((jobs) => this.#store(jobs));
  #ends: (() => void)[] = [];

  add(count: number): Promise<void> {
    return this.intake.add(Array.from({ length: count }, () => toInsert(createNewJob())));
  }

  letGo(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  #store(jobs: readonly JobInsert[]): Promise<void> {
    this.sizes.push(jobs.length);
    return new Promise((resolve) => this.#ends.push(resolve));
  }
}

describe("jobs that are stored one by one", () => {
  it("share the third statement, which waits for one of two", async () => {
    const statements = new Statements();
    const stored = [statements.add(1), statements.add(1), statements.add(1), statements.add(1)];
    expect(statements.sizes).toEqual([1, 1]);
    statements.letGo();
    await Promise.all(stored.slice(0, 2));
    expect(statements.sizes).toEqual([1, 1, 2]);
    statements.letGo();
    await Promise.all(stored);
  });

  it("do not wait when there are enough of them for another statement", async () => {
    const statements = new Statements();
    const stored = Array.from({ length: 102 }, () => statements.add(1));
    expect(statements.sizes).toEqual([1, 1, 100]);
    statements.letGo();
    await Promise.all(stored);
  });
});

describe("batches of jobs", () => {
  it("have four statements under way, and share the next", async () => {
    const statements = new Statements();
    const stored = [100, 200, 100, 300, 100, 100].map((count) => statements.add(count));
    expect(statements.sizes).toEqual([100, 200, 100, 300]);
    statements.letGo();
    await Promise.all(stored.slice(0, 4));
    expect(statements.sizes).toEqual([100, 200, 100, 300, 200]);
    statements.letGo();
    await Promise.all(stored);
  });
});
