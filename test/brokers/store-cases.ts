import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Claim, Hold, Store } from "../../src/brokers/pulled/store.ts";
import type { WorkerInfo } from "../../src/tasks/broker.ts";
import type { Ending } from "../../src/tasks/ending.ts";
import type { DeliveredJob, Job, NewJob } from "../../src/tasks/job.ts";
import { failed, retryIn, succeeded } from "../../src/testing/describe-broker/endings.ts";
import { createSampleJobs, sampleQueue } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../support/wait-until.ts";

/** A sentence about the inner contract of embedded brokers. */
export interface StoreCase {
  readonly sentence: string;
  readonly run: (store: Store) => Promise<void>;
}

const shortMs = 30;
const longMs = 60_000;

interface ClaimOptions {
  readonly count?: number;
  readonly leaseMs?: number;
  readonly maxDeliveries?: number;
  readonly worker?: WorkerInfo;
}

function createWorker(): WorkerInfo {
  return { id: randomUUID(), host: "here", pid: 1, queues: [sampleQueue], slots: 10 };
}

async function claim(store: Store, options: ClaimOptions = {}): Promise<Claim> {
  const { count = 10, leaseMs = longMs, maxDeliveries = 3, worker = createWorker() } = options;
  await store.extend({ worker, holds: [], leaseMs });
  return store.claim({ worker: worker.id, queues: [sampleQueue], count, leaseMs, maxDeliveries });
}

async function put(store: Store, count = 1, fields: Partial<NewJob> = {}): Promise<readonly NewJob[]> {
  const jobs = createSampleJobs(count, fields);
  await store.enqueue({ jobs });
  return jobs;
}

async function get(store: Store, id: string): Promise<Job> {
  const [job] = await store.get({ ids: [id] });
  assert.ok(job, `job ${id} is known`);
  return job;
}

const holdOf = ({ id, epoch }: DeliveredJob): Hold => ({ id, epoch });

async function finish(store: Store, job: DeliveredJob, ending: Ending): Promise<boolean> {
  return (await store.finish({ endings: [{ ...holdOf(job), ending }] }))[0]!;
}

/** A job that its first holder has lost to the second. */
async function lose(store: Store): Promise<{ loser: DeliveredJob; winner: DeliveredJob }> {
  await put(store);
  const [loser] = (await claim(store, { leaseMs: shortMs })).jobs;
  let winner: DeliveredJob | undefined;
  const isTaken = async (): Promise<boolean> => ([winner] = (await claim(store)).jobs).length > 0;
  await waitUntil(isTaken, { what: "the job is claimed again" });
  return { loser: loser!, winner: winner! };
}

function refuses(status: string, ending: Ending): StoreCase {
  return {
    sentence: `refuses the ending "${status}" of who has lost the job`,
    run: async (store) => {
      const { loser, winner } = await lose(store);
      const before = await get(store, loser.id);
      assert.equal(await finish(store, loser, ending), false);
      assert.deepEqual(await get(store, loser.id), before);
      assert.equal(await finish(store, winner, succeeded("won")), true);
      assert.equal((await get(store, loser.id)).result, '"won"');
      assert.equal(await finish(store, loser, ending), false);
      assert.equal((await get(store, loser.id)).result, '"won"');
    },
  };
}

export const storeCases: readonly StoreCase[] = [
  {
    sentence: "gives each job to one claim, and no more than were asked for",
    run: async (store) => {
      const jobs = await put(store, 10);
      const counts = [3, 4, 10, 10];
      const claims = await Promise.all(counts.map((count) => claim(store, { count })));
      const ids = claims.flatMap((each) => each.jobs.map(({ id }) => id));
      assert.deepEqual(ids.toSorted(), jobs.map(({ id }) => id).toSorted());
      // Which of them a server serves first is its affair.
      for (const [index, count] of counts.entries()) assert.ok(claims[index]!.jobs.length <= count);
    },
  },
  refuses("succeeded", succeeded("late")),
  refuses("failed", failed("late")),
  refuses("retry", retryIn(0, "late")),
  refuses("canceled", { status: "canceled", reason: "late" }),
  refuses("released", { status: "released" }),
  {
    sentence: "gives a job that was lost a higher epoch, and counts the delivery",
    run: async (store) => {
      const { loser, winner } = await lose(store);
      assert.ok(winner.epoch > loser.epoch);
      assert.deepEqual([loser.deliveries, winner.deliveries, loser.attempt, winner.attempt], [1, 2, 1, 1]);
    },
  },
  {
    sentence: "accepts an ending once",
    run: async (store) => {
      await put(store);
      const [job] = (await claim(store)).jobs;
      assert.equal(await finish(store, job!, succeeded("once")), true);
      assert.equal(await finish(store, job!, failed("twice")), false);
      assert.equal((await get(store, job!.id)).status, "succeeded");
    },
  },
  {
    sentence: "accepts of two endings of a job the first, also within one call",
    run: async (store) => {
      await put(store);
      const [job] = (await claim(store)).jobs;
      const endings = [succeeded("first"), succeeded("second")].map((ending) => ({ ...holdOf(job!), ending }));
      assert.deepEqual(await store.finish({ endings }), [true, false]);
      assert.equal((await get(store, job!.id)).result, '"first"');
    },
  },
  {
    sentence: "refuses the ending of a hold of before a retry, and of a job that is unknown",
    run: async (store) => {
      await put(store);
      const [first] = (await claim(store)).jobs;
      await finish(store, first!, retryIn(0));
      const [second] = (await claim(store)).jobs;
      assert.equal(second!.attempt, 2);
      assert.equal(await finish(store, first!, succeeded()), false);
      assert.equal(await finish(store, { ...second!, id: createSampleJobs(1)[0]!.id }, succeeded()), false);
      assert.equal((await get(store, second!.id)).status, "running");
    },
  },
  {
    sentence: "keeps reports of who holds the job, and no others",
    run: async (store) => {
      const { loser, winner } = await lose(store);
      const progress = { value: 0.5, note: "half" };
      await store.report({ reports: [{ ...holdOf(loser), progress, log: ["late"] }] });
      await store.report({ reports: [{ ...holdOf(winner), progress: undefined, log: ["one", "two"] }] });
      const job = await get(store, winner.id);
      assert.deepEqual([job.progress, job.log.map(({ line }) => line)], [undefined, ["one", "two"]]);
    },
  },
  {
    sentence: "starts the leases anew of those who give a sign of life, and says what they have lost",
    run: async (store) => {
      await put(store, 2);
      const worker = createWorker();
      const { jobs } = await claim(store, { worker, leaseMs: shortMs });
      const kept = holdOf(jobs[0]!);
      assert.deepEqual(await store.extend({ worker, holds: [kept], leaseMs: longMs }), { lost: [], canceled: [] });
      let taken: readonly DeliveredJob[] = [];
      const isTaken = async (): Promise<boolean> => (taken = (await claim(store)).jobs).length > 0;
      await waitUntil(isTaken, { what: "the other job is claimed again" });
      assert.deepEqual(
        taken.map(({ id }) => id),
        [jobs[1]!.id],
      );
      const { lost } = await store.extend({ worker, holds: jobs.map(holdOf), leaseMs: longMs });
      assert.deepEqual(lost, [jobs[1]!.id]);
      assert.equal(await finish(store, jobs[0]!, succeeded()), true);
    },
  },
  {
    sentence: "does not start the lease anew of who has lost the job",
    run: async (store) => {
      await put(store);
      const worker = createWorker();
      const [first] = (await claim(store, { worker, leaseMs: shortMs })).jobs;
      await waitUntil(async () => (await claim(store, { leaseMs: shortMs })).jobs.length > 0, {
        what: "it is claimed again",
      });
      await store.extend({ worker, holds: [holdOf(first!)], leaseMs: longMs });
      await waitUntil(async () => (await claim(store)).jobs.length > 0, { what: "it is claimed once more" });
    },
  },
  {
    sentence: "tells who holds a job that it is to be canceled, each time",
    run: async (store) => {
      await put(store);
      const worker = createWorker();
      const [job] = (await claim(store, { worker })).jobs;
      await store.cancel({ ids: [job!.id], reason: "enough" });
      const expected = { lost: [], canceled: [{ id: job!.id, reason: "enough" }] };
      const holds = [holdOf(job!)];
      assert.deepEqual(await store.extend({ worker, holds, leaseMs: longMs }), expected);
      assert.deepEqual(await store.extend({ worker, holds, leaseMs: longMs }), expected);
    },
  },
  {
    sentence: "ends a job with worker_lost that was handed out too often, and not before",
    run: async (store) => {
      const [job] = await put(store, 1, { attempts: 5 });
      const epochs = new Set<number>();
      const hasEnded = async (): Promise<boolean> => {
        for (const { epoch } of (await claim(store, { leaseMs: shortMs, maxDeliveries: 3 })).jobs) epochs.add(epoch);
        return (await get(store, job!.id)).endedAt !== undefined;
      };
      await waitUntil(hasEnded, { what: "the job has ended" });
      const { status, error, deliveries, attempt } = await get(store, job!.id);
      assert.deepEqual([status, error?.code, deliveries, attempt], ["failed", "worker_lost", 3, 1]);
      assert.equal(epochs.size, 3);
    },
  },
  {
    sentence: "takes the delivery of a released job back, not those of workers that died",
    run: async (store) => {
      const { winner } = await lose(store);
      await finish(store, winner, { status: "released" });
      const [next] = (await claim(store)).jobs;
      assert.deepEqual([next!.attempt, next!.deliveries], [1, 2]);
      await finish(store, next!, retryIn(0));
      const [again] = (await claim(store)).jobs;
      assert.deepEqual([again!.attempt, again!.deliveries], [2, 1]);
      assert.ok(again!.epoch > next!.epoch);
    },
  },
  {
    sentence: "says when something becomes claimable by time alone",
    run: async (store) => {
      assert.equal((await claim(store)).nextMs, undefined);
      await put(store, 1, { delayMs: 5_000 });
      const { jobs, nextMs } = await claim(store);
      assert.equal(jobs.length, 0);
      assert.ok(nextMs! > 4_000 && nextMs! <= 5_000, `nextMs is ${nextMs}`);
      await put(store);
      await claim(store, { leaseMs: 2_000 });
      const next = (await claim(store)).nextMs;
      assert.ok(next! > 1_000 && next! <= 2_000, `nextMs is ${next}`);
    },
  },
  {
    sentence: "says what it believes to be with a worker",
    run: async (store) => {
      const [mine, other] = [createWorker(), createWorker()];
      await put(store, 3);
      const { jobs } = await claim(store, { worker: mine, count: 2 });
      await claim(store, { worker: other });
      const holds = await store.holds({ worker: mine.id });
      const order = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
      assert.deepEqual(holds.toSorted(order), jobs.map(({ id, epoch }) => ({ id, epoch })).toSorted(order));
      await finish(store, jobs[0]!, succeeded("1"));
      assert.deepEqual(await store.holds({ worker: mine.id }), [{ id: jobs[1]!.id, epoch: jobs[1]!.epoch }]);
      assert.deepEqual(await store.holds({ worker: createWorker().id }), []);
    },
  },
  {
    sentence: "knows workers that have given a sign of life, until they leave or are dead",
    run: async (store) => {
      const [gone, dead, alive] = [createWorker(), createWorker(), createWorker()];
      await store.extend({ worker: gone, holds: [], leaseMs: longMs });
      await store.extend({ worker: dead, holds: [], leaseMs: shortMs });
      await store.extend({ worker: alive, holds: [], leaseMs: longMs });
      await store.leave({ worker: gone.id });
      const isAlone = async (): Promise<boolean> => (await store.workers()).every(({ id }) => id === alive.id);
      await waitUntil(isAlone, { what: "only who is alive is listed" });
      assert.equal((await store.workers()).length, 1);
    },
  },
];
