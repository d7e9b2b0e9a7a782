import { beforeEach, describe, expect, it } from "vitest";
import type { NewJob } from "../../tasks/job.ts";
import { createNewJob, createNewJobs } from "../pulled/new-job.fixture.ts";
import { MemoryBench } from "./memory-bench.fixture.ts";

const failed = { status: "failed", error: { name: "Error", message: "the disk is full" } } as const;
const idsOf = (jobs: readonly NewJob[]): readonly string[] => jobs.map(({ id }) => id);

let bench = new MemoryBench();
beforeEach(() => {
  bench = new MemoryBench();
});

describe("order", () => {
  it("hands out by priority, then by age, and puts back what was released where it was", async () => {
    const jobs = [4, 9, 4, 0, 9].map((priority) => createNewJob({ priority }));
    await bench.enqueue(...jobs);
    const order = [jobs[1]!, jobs[4]!, jobs[0]!, jobs[2]!, jobs[3]!];
    const { jobs: claimed } = await bench.claim(3);
    expect(idsOf(order).slice(0, 3)).toEqual(claimed.map(({ id }) => id));
    for (const job of claimed.toReversed()) await bench.finish(job, { status: "released" });
    expect(await bench.ids(5)).toEqual(idsOf(order));
  });

  it("keeps the age of a delayed and of a retried job", async () => {
    const [delayed, retried, ...others] = createNewJobs(6) as [NewJob, NewJob, ...NewJob[]];
    await bench.enqueue({ ...delayed, delayMs: 50 }, retried, ...others);
    await bench.run({ status: "retry", error: failed.error, delayMs: 50 });
    bench.now += 50;
    expect(await bench.ids(6)).toEqual(idsOf([delayed, retried, ...others]));
  });

  it("does not stumble over jobs that left before their turn, however many", async () => {
    const jobs = createNewJobs(1_000);
    await bench.enqueue(...jobs);
    const left = jobs.filter((_, index) => index % 10 !== 0);
    await bench.store.cancel({ ids: idsOf(left), reason: "no" });
    await bench.store.retry({ ids: idsOf(left.slice(0, 5)) });
    const back = new Set(left.slice(0, 5));
    const rest = jobs.filter((job, index) => index % 10 === 0 || back.has(job));
    expect(await bench.ids(1_000)).toEqual(idsOf(rest));
    expect(await bench.ids(1)).toEqual([]);
  });
});

describe("what comes next", () => {
  it("says when a delay, an expiry or a lease ends", async () => {
    expect((await bench.claim(1)).nextMs).toBeUndefined();
    await bench.enqueue(createNewJob({ delayMs: 300 }));
    expect((await bench.claim(1)).nextMs).toBe(300);
    await bench.enqueue(createNewJob({ delayMs: 900, expiresMs: 200 }));
    expect((await bench.claim(1)).nextMs).toBe(200);
    bench.now += 300;
    const { jobs, nextMs } = await bench.claim(1);
    expect(jobs).toHaveLength(1);
    expect(nextMs).toBe(1_000);
  });

  it("says when a rate has room again, if a job waits for that", async () => {
    const limits = { maxRunning: undefined, rate: { limit: 2, perMs: 500 } };
    await bench.enqueue(...createNewJobs(3, { limits }));
    expect(await bench.ids(1)).toHaveLength(1);
    bench.now += 100;
    const { jobs, nextMs } = await bench.claim(5);
    expect(jobs).toHaveLength(1);
    expect(nextMs).toBe(400);
    bench.now += 399;
    expect(await bench.ids(5)).toEqual([]);
    bench.now += 1;
    expect(await bench.ids(5)).toHaveLength(1);
  });
});

describe("limits", () => {
  const atMost = (maxRunning: number): Partial<NewJob> => ({ limits: { maxRunning, rate: undefined } });

  it("hold for jobs that were stored or started before there were any", async () => {
    await bench.enqueue(...createNewJobs(4));
    const { jobs } = await bench.claim(1);
    await bench.enqueue(createNewJob(atMost(2)));
    expect(await bench.ids(5)).toHaveLength(1);
    expect(await bench.ids(5)).toEqual([]);
    await bench.finish(jobs[0]!);
    expect(await bench.ids(5)).toHaveLength(1);
  });

  it("are lifted by a job that has none", async () => {
    await bench.enqueue(...createNewJobs(3, atMost(1)));
    expect(await bench.ids(5)).toHaveLength(1);
    await bench.enqueue(createNewJob());
    expect(await bench.ids(5)).toHaveLength(3);
  });

  it("count a task's jobs in all queues, and not those of other tasks", async () => {
    const queues = ["one", "two"];
    await bench.enqueue(
      ...queues.map((queue) => createNewJob({ queue, ...atMost(1) })),
      createNewJob({ queue: "two", task: "other" }),
    );
    expect(await bench.ids(5, { queues })).toHaveLength(2);
    expect(await bench.ids(5, { queues: ["two"] })).toEqual([]);
  });

  it("make room when a worker has died", async () => {
    await bench.enqueue(...createNewJobs(2, atMost(1)));
    const [first] = await bench.ids(1);
    bench.now += 1_000;
    expect(await bench.ids(2)).toEqual([first]);
  });
});

describe("deliveries", () => {
  it("ends as failed with worker_lost what has cost the allowed number of workers", async () => {
    const job = createNewJob();
    await bench.enqueue(job);
    for (let death = 1; death <= 2; death++) {
      const { jobs } = await bench.claim(1, { maxDeliveries: 2 });
      expect(jobs[0]).toMatchObject({ deliveries: death, attempt: 1, epoch: death });
      bench.now += 1_000;
    }
    expect(await bench.ids(1, { maxDeliveries: 2 })).toEqual([]);
    const { status, error } = await bench.get(job);
    expect(status).toBe("failed");
    expect(error).toMatchObject({ code: "worker_lost", message: expect.stringContaining("2 workers") as string });
  });

  it("does not run again what somebody wants canceled", async () => {
    const jobs = createNewJobs(3);
    await bench.enqueue(...jobs);
    const claimed = (await bench.claim(3)).jobs;
    await bench.store.cancel({ ids: idsOf(jobs), reason: "not needed" });
    await bench.finish(claimed[0]!, { status: "released" });
    await bench.finish(claimed[1]!, { status: "retry", error: failed.error, delayMs: 0 });
    bench.now += 1_000;
    expect(await bench.ids(3)).toEqual([]);
    for (const job of jobs) expect(await bench.get(job)).toMatchObject({ status: "canceled", reason: "not needed" });
  });

  it("renews leases, and tells what is lost and what somebody wants canceled", async () => {
    const jobs = createNewJobs(3);
    await bench.enqueue(...jobs);
    const claimed = (await bench.claim(3)).jobs;
    await bench.finish(claimed[0]!);
    await bench.store.cancel({ ids: [jobs[1]!.id], reason: "no" });
    bench.now += 900;
    const worker = { id: "w", host: "here", pid: 1, queues: ["default"], slots: 3 };
    const holds = claimed.map(({ id, epoch }) => ({ id, epoch }));
    expect(await bench.store.extend({ worker, holds, leaseMs: 1_000 })).toEqual({
      lost: [jobs[0]!.id],
      canceled: [{ id: jobs[1]!.id, reason: "no" }],
    });
    bench.now += 900;
    expect(await bench.ids(3)).toEqual([]);
    expect(await bench.store.workers()).toMatchObject([{ id: "w", running: 2, seenAt: bench.now - 900 }]);
    bench.now += 100;
    expect(await bench.store.workers()).toEqual([]);
  });
});

describe("bounds", () => {
  it("refuses a batch that would be over maxQueued as a whole, and counts what waits alone", async () => {
    bench = new MemoryBench({ maxQueued: 3 });
    await bench.enqueue(createNewJob(), createNewJob({ delayMs: 1_000 }));
    const jobs = createNewJobs(2);
    await expect(bench.enqueue(...jobs)).rejects.toMatchObject({ code: "queue_full", retryAfterSeconds: 1 });
    expect(await bench.isKnown(jobs[0]!)).toBe(false);
    await bench.claim(1);
    await bench.enqueue(...jobs);
    await expect(bench.enqueue(createNewJob())).rejects.toMatchObject({ code: "queue_full" });
  });

  it("takes what stores nothing new, however full it is", async () => {
    bench = new MemoryBench({ maxQueued: 1 });
    const job = createNewJob({ uniqueKey: "k" });
    await bench.enqueue(job, job, createNewJob({ uniqueKey: "k" }));
    await bench.enqueue(job, createNewJob({ uniqueKey: "k" }));
  });

  it("does not mark a tick whose job was refused", async () => {
    bench = new MemoryBench({ maxQueued: 0 });
    await bench.store.putSchedule({ name: "s", cron: "* * * * *", timezone: "UTC", task: "sample" });
    const tick = bench.store.tick({ schedule: "s", ticks: [{ at: 60_000, job: createNewJob() }] });
    await expect(tick).rejects.toMatchObject({ code: "queue_full" });
    expect((await bench.store.schedules())[0]?.lastTickAt).toBeUndefined();
  });

  it("forgets what has ended, a limited number at a time, faster than jobs can end", async () => {
    const jobs = createNewJobs(5_000, { keepResultMs: 100 });
    await bench.enqueue(...jobs);
    const claimed = (await bench.claim(5_000)).jobs;
    await bench.store.finish({
      endings: claimed.map(({ id, epoch }) => ({ id, epoch, ending: { status: "succeeded", result: "1" } })),
    });
    bench.now += 100;
    const left = async (): Promise<number> => (await bench.store.counts())[0]?.succeeded ?? 0;
    expect(await left()).toBe(4_000);
    for (let call = 0; call < 4; call++) await bench.claim(1);
    expect(await left()).toBe(0);
    expect(await bench.store.counts()).toEqual([]);
  });

  it("refuses a transaction", async () => {
    await expect(bench.store.enqueue({ jobs: [createNewJob()], transaction: {} })).rejects.toMatchObject({
      code: "not_stored",
    });
    expect(await bench.store.counts()).toEqual([]);
  });
});

describe("records", () => {
  it("share nothing with what was stored, and cannot be changed", async () => {
    const meta = { requestId: "r" };
    const backoff = { baseMs: 1, factor: 2, maxMs: 3, jitter: false };
    const job = createNewJob({ meta, backoff });
    await bench.enqueue(job);
    meta.requestId = "changed";
    backoff.baseMs = 100;
    const known = await bench.get(job);
    expect(known.meta).toEqual({ requestId: "r" });
    expect(known.backoff.baseMs).toBe(1);
    expect(() => Object.assign(known.meta, { requestId: "changed" })).toThrow(TypeError);
    Object.assign(known, { status: "failed" });
    expect((await bench.get(job)).status).toBe("queued");
  });

  it("are paged from where the last page ended, also when that job is forgotten", async () => {
    const jobs = createNewJobs(6);
    await bench.enqueue(...jobs);
    const first = await bench.store.list({ filter: {}, limit: 2 });
    expect(first.next).toBe(jobs[4]!.id);
    await bench.store.remove({ ids: [jobs[4]!.id, jobs[3]!.id] });
    const second = await bench.store.list({ filter: {}, limit: 2, after: first.next });
    expect(second.jobs.map(({ id }) => id)).toEqual([jobs[2]!.id, jobs[1]!.id]);
    const third = await bench.store.list({ filter: {}, limit: 2, after: second.next });
    expect(third).toMatchObject({ jobs: [{ id: jobs[0]!.id }], next: undefined });
  });
});
