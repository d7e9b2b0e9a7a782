import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { removeTempDirectories } from "../../../test/support/temp-directory.ts";
import { nextOfLane } from "./claim.ts";
import { Core } from "./core.ts";
import { Database, type DatabaseLike } from "./database.ts";
import { executeBatch } from "./execute-batch.ts";
import { toInsert } from "./job-insert.ts";
import { scannedAtOnce } from "./list.ts";
import { createJob, createJobs } from "./new-job.fixture.ts";
import { openDatabase } from "./open-database.ts";
import { toSqliteConfig } from "./options.ts";
import { newFile, openStore } from "./sqlite.fixture.ts";
import type { Verb, VerbRequest, VerbResult } from "./verbs.ts";

afterAll(removeTempDirectories);

async function openConnection(): Promise<DatabaseSync> {
  const connection = openDatabase(DatabaseSync, toSqliteConfig(await newFile(), {})).connection as DatabaseSync;
  onTestFinished(() => connection.close());
  return connection;
}

function planOf(connection: DatabaseSync, sql: string): string[] {
  return connection
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail as string);
}

describe("a claim", () => {
  it("reads the next jobs of a lane from their index alone, in its order", async () => {
    expect(planOf(await openConnection(), nextOfLane)).toEqual([
      "SEARCH afterword_jobs USING COVERING INDEX afterword_jobs_ready (queue=? AND lane=?)",
    ]);
  });
});

describe("no verb", () => {
  it("reads a whole table of jobs, or sorts one", async () => {
    const connection = await openConnection();
    const statements = new Set<string>();
    const recording: DatabaseLike = {
      prepare(sql) {
        statements.add(sql);
        return connection.prepare(sql);
      },
    };
    const core = new Core(new Database(recording), 10_000);
    const ask = <V extends Verb>(verb: V, request: VerbRequest<V>): VerbResult<V> => {
      const [result] = executeBatch(core, [{ verb, request }], "f").results;
      expect(result).toHaveProperty("value");
      return (result as { value: VerbResult<V> }).value;
    };
    const limits = { maxRunning: 2, rate: { limit: 2, perMs: 1_000 } };
    const part = createJob();
    const jobs = [part, createJob({ after: { ids: [part.id], pass: "result" } }), createJob({ uniqueKey: "k" })];
    const worker = { id: "w", host: "here", pid: 1, queues: ["default"], slots: 1 };
    ask("enqueue", [...jobs, createJob({ limits }), ...createJobs(20), createJob({ delayMs: 1 })].map(toInsert));
    ask("enqueue", jobs.map(toInsert));
    const { rows } = ask("claim", {
      worker: "w",
      queues: ["default", "mail"],
      count: 9,
      leaseMs: 60_000,
      maxDeliveries: 3,
    });
    const [first, second, third, fourth] = rows.map((row) => ({ id: row[0], epoch: row[8] }));
    ask("extend", { worker, holds: [first!], leaseMs: 90_000 });
    ask("report", [{ ...first!, progress: { value: 1, note: undefined }, log: ["x"] }]);
    const error = { name: "Error", message: "no luck" };
    ask("finish", {
      succeeded: [first!.id, first!.epoch, "1"],
      others: [
        { ...second!, ending: { status: "failed", error } },
        { ...third!, ending: { status: "retry", error, delayMs: 5 } },
        { ...fourth!, ending: { status: "released" } },
      ],
    });
    ask("retry", [second!.id]);
    ask("cancel", { ids: [second!.id], reason: "enough" });
    ask("remove", [second!.id]);
    ask("purge", { state: "failed", queue: undefined, task: undefined, olderThanMs: 0, after: "" });
    ask("counts", undefined);
    for (const filter of [{}, { statuses: ["failed"] as const }, { queue: "q", text: "t" }, { uniqueKey: "k" }])
      ask("list", { filter, limit: 10 });
    const bad = [...statements]
      .filter((sql) => /^(SELECT|INSERT|UPDATE|DELETE)/.test(sql.trim()))
      .flatMap((sql) => planOf(connection, sql).map((step) => `${step} <- ${sql}`))
      // Jobs with the same key are few: they are sorted.
      .filter(
        (step) =>
          !step.includes("unique_key = ?") &&
          /^SCAN afterword_(jobs|ended|parts|starts)(?! USING)|TEMP B-TREE/.test(step),
      );
    expect(bad).toEqual([]);
  });
});

describe("a list", () => {
  it("looks at so many jobs for a page, and goes on with the next", async () => {
    const store = await openStore(await newFile());
    const [rare] = createJobs(1, { task: "rare" });
    await store.enqueue({ jobs: [rare!, ...createJobs(scannedAtOnce + 10)] });
    const first = await store.list({ filter: { task: "rare" }, limit: 10 });
    expect(first.jobs).toEqual([]);
    const second = await store.list({ filter: { task: "rare" }, limit: 10, after: first.next });
    expect(second.jobs.map(({ id }) => id)).toEqual([rare!.id]);
    expect(second.next).toBeUndefined();
  });
});
