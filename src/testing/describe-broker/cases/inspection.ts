import assert from "node:assert/strict";
import type { JobFilter } from "../../../tasks/broker.ts";
import type { Job } from "../../../tasks/job.ts";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, succeeded } from "../endings.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";
import { pass } from "../wait.ts";

/** All pages, with something done between them. */
async function listAll(
  { broker }: Bench,
  filter: JobFilter,
  limit: number,
  between: () => Promise<unknown> = async () => {},
): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  let after: string | undefined;
  do {
    const page = await broker.list({ filter, limit, after });
    assert.ok(page.jobs.length <= limit, `a page of ${page.jobs.length} jobs, but the limit is ${limit}`);
    assert.ok(page.jobs.length > 0 || after === undefined, "the last page is empty");
    jobs.push(...page.jobs);
    after = page.next;
    if (after !== undefined) await between();
  } while (after !== undefined);
  return jobs;
}

/** One job in each state that can be had, in the queue of the samples. By status. */
async function createOneOfEach(bench: Bench): Promise<Readonly<Record<string, string>>> {
  const { broker } = bench;
  const canceled = await bench.enqueue({ task: "cancel" });
  await broker.cancel({ ids: [canceled.id], reason: "no" });
  const quick = bench.consume(({ job }) => (job.task === "fail" ? failed("the disk is 100% full") : succeeded()));
  const succeededJob = await bench.enqueue({ task: "succeed" });
  const failedJob = await bench.enqueue({ task: "fail" });
  await bench.status(failedJob.id, "failed");
  await bench.closeConsumer(quick);
  const holding = bench.holding();
  const running = await bench.enqueue({ task: "hold" });
  bench.consume(holding.execute);
  await bench.until(() => holding.running === 1, "the job runs");
  const queued = await bench.enqueue({ args: '["a_b%c\'d"]' });
  return {
    canceled: canceled.id,
    succeeded: succeededJob.id,
    failed: failedJob.id,
    running: running.id,
    queued: queued.id,
  };
}

export const inspectionCases: CaseGroup = {
  name: "get, list and counts",
  cases: [
    brokerCase(
      "gives jobs in the order of the ids, and undefined for unknown ones",
      ["results"],
      async ({ broker }) => {
        const jobs = createSampleJobs(3);
        await broker.enqueue({ jobs });
        const ids = [jobs[2]!.id, createSampleJob().id, jobs[0]!.id, jobs[2]!.id];
        const known = (await broker.get({ ids })).map((job) => job?.id);
        assert.deepEqual(known, [ids[0], undefined, ids[2], ids[3]]);
        assert.deepEqual(await broker.get({ ids: [] }), []);
      },
    ),
    brokerCase("gives thousands of jobs at once", ["results"], async ({ broker }) => {
      const jobs = createSampleJobs(3_000);
      await broker.enqueue({ jobs });
      const known = await broker.get({ ids: jobs.map(({ id }) => id) });
      assert.equal(known.filter((job) => job !== undefined).length, 3_000);
    }),
    brokerCase("lists the newest first, in pages", ["list"], async (bench) => {
      const jobs = createSampleJobs(12);
      for (const job of jobs) await bench.broker.enqueue({ jobs: [job] });
      const newest = jobs.map(({ id }) => id).toReversed();
      for (const limit of [5, 6, 12, 100]) {
        const listed = await listAll(bench, {}, limit);
        assert.deepEqual(
          listed.map(({ id }) => id),
          newest,
        );
      }
    }),
    brokerCase("lists nothing where there is nothing", ["list"], async ({ broker }) => {
      assert.deepEqual(await broker.list({ filter: {}, limit: 10 }), { jobs: [], next: undefined });
      assert.deepEqual(await broker.counts(), []);
    }),
    brokerCase("pages without gap or repetition while jobs are added and run", ["list"], async (bench) => {
      const jobs = createSampleJobs(30);
      await bench.broker.enqueue({ jobs });
      const holding = bench.holding();
      const listed = await listAll(bench, {}, 4, async () => {
        if (holding.deliveries.length === 0) {
          holding.letGo();
          bench.consume(holding.execute);
        }
        await bench.enqueue();
      });
      assert.deepEqual(
        listed.map(({ id }) => id),
        jobs.map(({ id }) => id).toReversed(),
      );
    }),
    brokerCase("lists the same jobs as get gives", ["list", "results"], async (bench) => {
      await createOneOfEach(bench);
      const { jobs } = await bench.broker.list({ filter: {}, limit: 10 });
      assert.equal(jobs.length, 5);
      assert.deepEqual(await bench.broker.get({ ids: jobs.map(({ id }) => id) }), jobs);
    }),
    brokerCase("filters by status, queue, task, unique key, and all of them", ["list"], async (bench) => {
      const byStatus = await createOneOfEach(bench);
      const elsewhere = await bench.enqueue({ queue: "elsewhere", task: "succeed" });
      const find = async (filter: JobFilter): Promise<readonly string[]> =>
        (await listAll(bench, filter, 2)).map(({ id }) => id);
      for (const status of ["canceled", "succeeded", "failed", "running"] as const)
        assert.deepEqual(await find({ statuses: [status] }), [byStatus[status]], status);
      assert.deepEqual(await find({ statuses: ["queued", "failed"] }), [
        elsewhere.id,
        byStatus["queued"],
        byStatus["failed"],
      ]);
      assert.deepEqual(await find({ queue: "elsewhere" }), [elsewhere.id]);
      assert.deepEqual(await find({ task: "succeed" }), [elsewhere.id, byStatus["succeeded"]]);
      assert.deepEqual(await find({ task: "succeed", statuses: ["succeeded"], queue: "default" }), [
        byStatus["succeeded"],
      ]);
      assert.deepEqual(await find({ task: "succeed", statuses: ["failed"] }), []);
      if (!bench.broker.supports.has("unique")) return;
      const keyed = await bench.enqueue({ uniqueKey: "k1", queue: "elsewhere" });
      assert.deepEqual(await find({ uniqueKey: "k1" }), [keyed.id]);
    }),
    brokerCase("finds a text in arguments, errors and ids, as it is", ["list"], async (bench) => {
      const { queued, failed: broken } = await createOneOfEach(bench);
      const find = async (text: string): Promise<readonly string[]> =>
        (await listAll(bench, { text }, 10)).map(({ id }) => id);
      assert.deepEqual(await find("a_b%c'd"), [queued]);
      assert.deepEqual(await find("a_b_c"), []);
      assert.deepEqual(await find("%"), [queued, broken]);
      assert.deepEqual(await find("disk is 100% full"), [broken]);
      assert.deepEqual(await find(queued!.slice(9)), [queued]);
      assert.deepEqual(await find("nowhere"), []);
    }),
    brokerCase("counts the jobs of each queue by status", ["list"], async (bench) => {
      await createOneOfEach(bench);
      const first = await bench.enqueue({ queue: "a" });
      await bench.enqueue({ queue: "a" });
      const counts = await bench.broker.counts();
      assert.deepEqual(
        counts.map(({ queue }) => queue),
        ["a", "default"],
      );
      const none = { scheduled: 0, queued: 0, running: 0, succeeded: 0, failed: 0, canceled: 0, expired: 0 };
      const { oldestQueuedAt, ...a } = counts[0]!;
      assert.deepEqual(a, { ...none, queue: "a", queued: 2, isPaused: false });
      if (bench.broker.supports.has("results")) assert.equal(oldestQueuedAt, (await bench.get(first.id)).runAt);
      const { oldestQueuedAt: _, ...rest } = counts[1]!;
      const one = { queued: 1, running: 1, succeeded: 1, failed: 1, canceled: 1 };
      assert.deepEqual(rest, { ...none, ...one, queue: "default", isPaused: false });
    }),
    brokerCase(
      "counts delayed jobs as scheduled, and knows of nothing that waits",
      ["list", "delay"],
      async (bench) => {
        await bench.enqueue({ delayMs: 600_000 });
        const [counts] = await bench.broker.counts();
        assert.deepEqual([counts?.scheduled, counts?.queued, counts?.oldestQueuedAt], [1, 0, undefined]);
      },
    ),
    brokerCase("lists workers while they consume", ["list"], async (bench) => {
      const { broker } = bench;
      assert.deepEqual(await broker.workers(), []);
      const holding = bench.holding();
      // Workers tell what they run with their signs of life, several times within a lease.
      const consumer = bench.consume(holding.execute, {
        slots: 7,
        queues: ["default", "mail"],
        leaseMs: bench.leaseMs,
      });
      await bench.until(async () => (await broker.workers()).length === 1, "the worker is listed");
      await bench.enqueue();
      await bench.until(async () => (await broker.workers())[0]?.running === 1, "the worker is listed as running one");
      const [worker] = await (await bench.other()).workers();
      assert.deepEqual([worker?.slots, worker?.queues, worker?.pid], [7, ["default", "mail"], process.pid]);
      assert.ok(worker!.host.length > 0 && worker!.seenAt >= worker!.startedAt, "host and times");
      await bench.closeConsumer(consumer);
      assert.deepEqual(await broker.workers(), []);
    }),
    brokerCase("forgets ended jobs when their time is over, each kind by its own", ["results"], async (bench) => {
      const fields = { keepResultMs: 50, keepFailedMs: 600_000 };
      bench.consume(({ job }) => (job.task === "fail" ? failed() : succeeded()));
      const short = await bench.enqueue({ ...fields, keepResultMs: 200 });
      const long = await bench.enqueue();
      const broken = await bench.enqueue({ ...fields, task: "fail" });
      await bench.status(broken.id, "failed");
      await bench.until(
        async () => (await bench.broker.get({ ids: [short.id] }))[0] === undefined,
        "the job is forgotten",
      );
      await pass(50);
      assert.equal((await bench.get(long.id)).status, "succeeded");
      assert.equal((await bench.get(broken.id)).status, "failed");
    }),
  ],
};
