import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { removeTempDirectories } from "../../../test/support/temp-directory.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { jobStatuses, type JobStatus } from "../../tasks/job.ts";
import { Core } from "./core.ts";
import { executeBatch } from "./execute-batch.ts";
import { toInsert } from "./job-insert.ts";
import { createJob, createJobs } from "./new-job.fixture.ts";
import { openDatabase } from "./open-database.ts";
import { toSqliteConfig } from "./options.ts";
import { claim, connect, failed, finish, get, newFile, openStore, runNext, succeeded } from "./sqlite.fixture.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import type { Verb, VerbResult } from "./verbs.ts";

afterAll(removeTempDirectories);

describe("a batch", () => {
  it.each([true, false])("is one commit, however many have asked within a turn (thread: %s)", async (thread) => {
    const file = await newFile();
    const store = await openStore(file, { thread });
    const other = connect(file);
    const version = (): number => Number(Object.values(other.prepare("PRAGMA data_version").get()!)[0]);
    const frames = (): unknown => other.prepare("PRAGMA wal_checkpoint").get()!.log;
    await store.enqueue({ jobs: [createJob()] });
    version();
    const before = frames() as number;
    await Promise.all(createJobs(200).map((job) => store.enqueue({ jobs: [job] })));
    // Each commit writes each page it has changed to the WAL: 200 of them would have written over a thousand.
    expect((frames() as number) - before).toBeLessThan(100);
    expect((await store.counts())[0]?.queued).toBe(201);
  });

  it("is not spoiled by one that cannot be done", async () => {
    const store = await openStore(await newFile());
    // A value that the table does not take: the other ones of the batch have nothing to do with it.
    const bad = createJob({ priority: 1.5 });
    const jobs = createJobs(3);
    const results = await Promise.allSettled(
      [jobs[0]!, bad, jobs[1]!, jobs[2]!].map((job) => store.enqueue({ jobs: [job] })),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect((await store.counts())[0]?.queued).toBe(3);
  });

  it("is stored before the store is closed", async () => {
    const file = await newFile();
    const store = await openStore(file, { thread: true });
    const stored = Promise.all(createJobs(50).map((job) => store.enqueue({ jobs: [job] })));
    await store.close();
    await stored;
    expect((await (await openStore(file)).counts())[0]?.queued).toBe(50);
  });
});

describe("enqueue", () => {
  it("stores an id once, also when its job has ended", async () => {
    const store = await openStore(await newFile());
    const [first, second] = createJobs(2);
    await store.enqueue({ jobs: [first!, first!] });
    await runNext(store, succeeded("done"));
    const stored = await store.enqueue({ jobs: [first!, second!] });
    expect(stored).toEqual([
      { id: first!.id, isDuplicate: false },
      { id: second!.id, isDuplicate: false },
    ]);
    expect((await get(store, first!.id)).result).toBe('"done"');
    expect(await store.counts()).toMatchObject([{ queued: 1, succeeded: 1 }]);
  });

  it("lets those wait for the holder of a unique key that wait for its double", async () => {
    const store = await openStore(await newFile());
    const holder = createJob({ uniqueKey: "k" });
    await store.enqueue({ jobs: [holder] });
    const double = createJob({ uniqueKey: "k" });
    const last = createJob({ after: { ids: [double.id], pass: "result" } });
    await store.enqueue({ jobs: [double, last] });
    await runNext(store, succeeded("of the holder"));
    expect(await get(store, last.id)).toMatchObject({ status: "queued", args: '["of the holder",1]' });
  });

  it("counts against maxQueued what is new", async () => {
    const store = await openStore(await newFile(), { maxQueued: 3 });
    const jobs = createJobs(3);
    await store.enqueue({ jobs });
    await expect(store.enqueue({ jobs: [createJob()] })).rejects.toMatchObject({ code: "queue_full" });
    await expect(store.enqueue({ jobs })).resolves.toHaveLength(3);
    await runNext(store, succeeded(1));
    await store.enqueue({ jobs: [createJob()] });
  });

  it("takes a tick again for which there was no room", async () => {
    const store = await openStore(await newFile(), { maxQueued: 1 });
    await store.putSchedule({ name: "s", cron: "* * * * *", timezone: "UTC", task: "noop" });
    await store.enqueue({ jobs: [createJob()] });
    const ticks = [{ at: 60_000, job: createJob() }];
    await expect(store.tick({ schedule: "s", ticks })).rejects.toMatchObject({ code: "queue_full" });
    await runNext(store, succeeded(1));
    expect(await store.tick({ schedule: "s", ticks })).toEqual([true]);
    expect(await store.tick({ schedule: "s", ticks })).toEqual([false]);
  });
});

describe("jobs that wait for others", () => {
  it("fail along a chain of thousands, and all begin anew with the first", async () => {
    const store = await openStore(await newFile());
    const jobs = createJobs(1);
    for (let index = 1; index < 5_000; index++)
      jobs.push(createJob({ after: { ids: [jobs[index - 1]!.id], pass: "nothing" } }));
    await store.enqueue({ jobs });
    await runNext(store, failed);
    expect(await store.counts()).toMatchObject([{ failed: 5_000, scheduled: 0 }]);
    expect((await get(store, jobs.at(-1)!.id)).error?.code).toBe("chord_part_failed");
    expect(await store.retry({ ids: [jobs[0]!.id] })).toEqual([true]);
    expect(await store.counts()).toMatchObject([{ failed: 0, queued: 1, scheduled: 4_999 }]);
  });

  it("wait for all parts again, not only for the one that had failed first", async () => {
    const store = await openStore(await newFile());
    const [a, b] = createJobs(2);
    await store.enqueue({ jobs: [a!] });
    await runNext(store, failed);
    const last = createJob({ after: { ids: [a!.id, b!.id], pass: "results" } });
    await store.enqueue({ jobs: [last, b!] });
    expect((await get(store, last.id)).status).toBe("failed");
    await store.retry({ ids: [a!.id] });
    await runNext(store, succeeded("one"));
    expect((await get(store, last.id)).status).toBe("scheduled");
    await runNext(store, succeeded("two"));
    const values = JSON.parse((await get(store, last.id)).args) as [string[], number];
    expect([values[0].toSorted(), values[1]]).toEqual([["one", "two"], 1]);
  });

  it("get a result that is not kept otherwise", async () => {
    const store = await openStore(await newFile());
    const a = createJob({ keepResultMs: 0 });
    const b = createJob({ delayMs: 3_600_000 });
    const last = createJob({ after: { ids: [a.id, b.id], pass: "results" } });
    await store.enqueue({ jobs: [a, b, last] });
    await runNext(store, succeeded("kept"));
    await waitUntil(async () => (await claim(store, 0)) && (await get(store, a.id)) === undefined, {
      what: "the part is forgotten",
    });
    await store.cancel({ ids: [b.id], reason: "enough" });
    await store.retry({ ids: [b.id] });
    await runNext(store, succeeded("second"));
    expect((await get(store, last.id)).args).toBe('[["kept","second"],1]');
  });
});

describe("limits", () => {
  it("say when a rate has room again, and only to whom waits for it", async () => {
    const store = await openStore(await newFile());
    const limits = { maxRunning: undefined, rate: { limit: 2, perMs: 30_000 } };
    await store.enqueue({ jobs: createJobs(2, { limits }) });
    const first = await claim(store);
    for (const job of first.jobs) await finish(store, job, succeeded(1));
    expect(await claim(store)).toEqual({ jobs: [], nextMs: undefined });
    await store.enqueue({ jobs: [createJob({ limits })] });
    const { jobs, nextMs } = await claim(store);
    expect(jobs).toEqual([]);
    expect(nextMs).toBeGreaterThan(25_000);
    expect(nextMs).toBeLessThanOrEqual(30_000);
  });

  it("are lifted by a job that has none", async () => {
    const store = await openStore(await newFile());
    await store.enqueue({ jobs: createJobs(3, { limits: { maxRunning: 1, rate: undefined } }) });
    expect((await claim(store)).jobs).toHaveLength(1);
    expect((await claim(store)).jobs).toHaveLength(0);
    await store.enqueue({ jobs: [createJob()] });
    expect((await claim(store)).jobs).toHaveLength(3);
  });
});

describe("extend", () => {
  it("changes nothing in the file while the lease is fresh, so that workers do not wake each other", async () => {
    const file = await newFile();
    const store = await openStore(file);
    await store.enqueue({ jobs: [createJob()] });
    const { jobs } = await claim(store);
    const worker = { id: "w", host: "here", pid: 1, queues: ["default"], slots: 1 };
    await store.extend({ worker, holds: jobs, leaseMs: 60_000 });
    const other = connect(file);
    const version = other.prepare("PRAGMA data_version");
    const before = version.get();
    await store.extend({ worker, holds: jobs, leaseMs: 60_000 });
    expect(version.get()).toEqual(before);
    await store.extend({ worker, holds: jobs, leaseMs: 120_000 });
    expect(version.get()).not.toEqual(before);
  });
});

describe("counts", () => {
  it("are what is there, after everything that can happen to a job", async () => {
    const file = await newFile();
    const store = await openStore(file);
    const ids: string[] = [];
    const add = async (fields: Parameters<typeof createJob>[0]): Promise<void> => {
      const job = createJob(fields);
      ids.push(job.id);
      await store.enqueue({ jobs: [job] });
    };
    for (let round = 0; round < 30; round++) {
      await add({ queue: round % 2 === 0 ? "default" : "mail" });
      await add({ delayMs: round % 3 });
      await add({ expiresMs: round % 4 === 0 ? 1 : undefined, uniqueKey: round % 2 === 0 ? "k" : undefined });
      await add({ after: { ids: [ids[(round * 7) % ids.length]!], pass: "result" }, delayMs: round % 2 });
      const { jobs } = await claim(store, 3);
      const endings = [
        succeeded(round),
        failed,
        { status: "released" } as const,
        { status: "retry", error: failed.error, delayMs: 1 } as const,
      ];
      for (const [index, job] of jobs.entries()) await finish(store, job, endings[(round + index) % 4]!);
      if (round % 5 === 0) await store.cancel({ ids: ids.slice(round, round + 2), reason: "why not" });
      if (round % 6 === 0) await store.retry({ ids: ids.slice(0, round) });
      if (round % 7 === 0) await store.remove({ ids: ids.slice(round, round + 1) });
      if (round % 11 === 0) await store.purge({ statuses: ["succeeded", "canceled"] });
      await expectCounted(store, file);
    }
  });
});

async function expectCounted(store: SqliteStore, file: string): Promise<void> {
  const counts = await store.counts();
  const counted = counts.flatMap((each) =>
    jobStatuses.flatMap((state) => (each[state] > 0 ? [`${each.queue} ${state} ${each[state]}`] : [])),
  );
  const rows = connect(file)
    .prepare(
      "SELECT queue, state, count(*) AS count FROM (SELECT queue, state FROM afterword_jobs UNION ALL SELECT queue, state FROM afterword_ended) GROUP BY queue, state",
    )
    .all() as unknown as { queue: string; state: JobStatus; count: number }[];
  expect(counted.toSorted()).toEqual(rows.map(({ queue, state, count }) => `${queue} ${state} ${count}`).toSorted());
}

describe("retention", () => {
  it("forgets in small portions", async () => {
    const store = await openStore(await newFile());
    await store.enqueue({ jobs: createJobs(1_200, { keepResultMs: 0 }) });
    const { jobs } = await claim(store, 1_200);
    await store.finish({ endings: jobs.map((job) => ({ ...job, ending: succeeded(1) })) });
    await claim(store);
    const left = (await store.counts())[0]?.succeeded ?? 0;
    expect(left).toBeGreaterThan(0);
    await waitUntil(async () => (await claim(store)) && (await store.counts()).length === 0, {
      what: "all are forgotten",
    });
  });

  it("purges more than fits into one portion", async () => {
    const store = await openStore(await newFile());
    await store.enqueue({ jobs: createJobs(4_500) });
    const { jobs } = await claim(store, 4_500);
    await store.finish({ endings: jobs.map((job) => ({ ...job, ending: succeeded(1) })) });
    expect(await store.purge({ statuses: ["failed"] })).toBe(0);
    expect(await store.purge({ statuses: ["succeeded"] })).toBe(4_500);
  });
});

describe("a lease that the thread renews", () => {
  it("gets no shorter than its worker has asked for", async () => {
    const core = new Core(openDatabase(DatabaseSync, toSqliteConfig(await newFile(), {})), undefined);
    onTestFinished(() => (core.db.connection as DatabaseSync).close());
    const ask = (verb: Verb, request: unknown): unknown => executeBatch(core, [{ verb, request }], "f").results[0];
    ask("enqueue", [toInsert(createJob())]);
    const claimed = ask("claim", { worker: "w", queues: ["default"], count: 1, leaseMs: 60_000, maxDeliveries: 3 });
    const [id, , , , , , , , epoch] = (claimed as { value: VerbResult<"claim"> }).value.rows[0]!;
    const leaseUntil = (): number => core.db.get<{ at: number }>("SELECT lease_until AS at FROM afterword_jobs")!.at;
    const before = leaseUntil();
    ask("renew", [{ id, epoch, leaseMs: 30 }]);
    expect(leaseUntil()).toBe(before);
    ask("renew", [{ id, epoch, leaseMs: 90_000 }]);
    expect(leaseUntil()).toBeGreaterThan(before);
  });
});
