import type { Store } from "../../src/brokers/pulled/store.ts";
import { createUuidV7 } from "../../src/internal/uuid-v7.ts";
import type { Ending } from "../../src/tasks/ending.ts";
import type { NewJob } from "../../src/tasks/job.ts";

/** A store with one fault, and the case of the suite that must notice it. */
export interface Mutant {
  readonly fault: string;
  readonly notices: string;
  readonly change: (store: Store) => Partial<Store>;
}

/** Jobs are not stored as they were handed over. */
function storing(change: (job: NewJob) => Partial<NewJob>): Mutant["change"] {
  return (store) => ({
    enqueue: ({ jobs }) => store.enqueue({ jobs: jobs.map((job) => ({ ...job, ...change(job) })) }),
  });
}

/** Endings are not stored as they came. */
function ending(change: (ending: Ending) => Ending): Mutant["change"] {
  return (store) => ({
    finish: ({ endings }) =>
      store.finish({ endings: endings.map((each) => ({ ...each, ending: change(each.ending) })) }),
  });
}

export const mutants: readonly Mutant[] = [
  {
    fault: "stores an id that comes again as another job",
    notices: "enqueue: does not touch a job that runs or has ended when its id comes again",
    change: (store) => {
      const seen = new Set<string>();
      return {
        enqueue: ({ jobs }) =>
          store.enqueue({
            jobs: jobs.map((job) => (seen.has(job.id) ? { ...job, id: createUuidV7() } : (seen.add(job.id), job))),
          }),
      };
    },
  },
  {
    fault: "stores a batch bit by bit",
    notices: "enqueue: never shows a part of a batch",
    change: (store) => ({
      enqueue: async ({ jobs }) => {
        const first = await store.enqueue({ jobs: jobs.slice(0, jobs.length / 2) });
        await new Promise((resolve) => setTimeout(resolve, 20));
        return [...first, ...(await store.enqueue({ jobs: jobs.slice(jobs.length / 2) }))];
      },
    }),
  },
  {
    fault: "loses what travels along",
    notices: "enqueue: keeps everything that a job carries",
    change: storing(() => ({ meta: {} })),
  },
  {
    fault: "stores a batch in the wrong order",
    notices: "priority and order: runs jobs of a batch in order",
    change: (store) => ({
      enqueue: async ({ jobs }) => (await store.enqueue({ jobs: jobs.toReversed() })).toReversed(),
    }),
  },
  {
    fault: "orders jobs by their ids",
    notices: "priority and order: keeps the order of storing, whatever the ids are",
    change: (store) => ({
      enqueue: ({ jobs }) => store.enqueue({ jobs: jobs.toSorted((one, two) => (one.id < two.id ? -1 : 1)) }),
    }),
  },
  {
    fault: "knows no priority",
    notices: "priority and order: runs jobs of a higher priority first, and the oldest first within one",
    change: storing(() => ({ priority: 5 })),
  },
  {
    fault: "runs low priorities first",
    notices: "priority and order: runs jobs of a higher priority first, and the oldest first within one",
    change: storing(({ priority }) => ({ priority: 9 - priority })),
  },
  {
    fault: "knows no delay",
    notices: "delay and expiry: starts a delayed job when its delay is over, not before",
    change: storing(() => ({ delayMs: 0 })),
  },
  {
    fault: "lets nothing expire",
    notices: "delay and expiry: ends a job as expired that was not started in time, and does not run it",
    change: storing(() => ({ expiresMs: undefined })),
  },
  {
    fault: "loses the results",
    notices: "consume: stores the result as the text that it is",
    change: ending((each) => (each.status === "succeeded" ? { ...each, result: "null" } : each)),
  },
  {
    fault: "runs some jobs twice",
    notices: "consume: runs every job once with many consumers on two connections",
    change: (store) => {
      let count = 0;
      return ending((each) => (count++ === 100 ? { status: "released" } : each))(store);
    },
  },
  {
    fault: "claims one job too many",
    notices: "consume: runs as many jobs at the same time as it has slots, and never more",
    change: (store) => ({ claim: (request) => store.claim({ ...request, count: request.count + 1 }) }),
  },
  {
    fault: "claims from any queue",
    notices: "consume: takes jobs of its queues only",
    change: (store) => ({ claim: (request) => store.claim({ ...request, queues: ["reports", ...request.queues] }) }),
  },
  {
    fault: "gives up at the first failure",
    notices: "retry: runs a failed attempt again, counted, with its error kept",
    change: ending((each) => (each.status === "retry" ? { status: "failed", error: each.error } : each)),
  },
  {
    fault: "retries at once",
    notices: "retry: waits before the next attempt as long as it was told",
    change: ending((each) => (each.status === "retry" ? { ...each, delayMs: 0 } : each)),
  },
  {
    fault: "does not tell workers of cancellations",
    notices: "cancel: aborts a running job",
    change: (store) => ({ extend: async (request) => ({ ...(await store.extend(request)), canceled: [] }) }),
  },
  {
    fault: "knows no unique keys",
    notices: "unique: stores nothing while a job of the same task and key waits",
    change: storing(() => ({ uniqueKey: undefined })),
  },
  {
    fault: "has one key for all tasks",
    notices: "unique: tells tasks and keys apart, but not queues",
    change: storing(({ uniqueKey }) => (uniqueKey === undefined ? {} : { task: "sample" })),
  },
  {
    fault: "knows no limits",
    notices: "limits: runs no more jobs of a task at the same time than maxRunning, over all workers",
    change: storing(() => ({ limits: undefined })),
  },
  {
    fault: "lets one job too many start within the rate",
    notices: "limits: starts no more jobs of a task within any stretch of time than its rate, over all workers",
    change: storing(({ limits }) =>
      limits?.rate ? { limits: { ...limits, rate: { ...limits.rate, limit: limits.rate.limit + 1 } } } : {},
    ),
  },
  {
    fault: "passes results in another order",
    notices: "dependencies: passes all results in the order of the ids, whichever came first",
    change: storing(({ after }) => ({ after: after && { ...after, ids: after.ids.toReversed() } })),
  },
  {
    fault: "waits for the first part only",
    notices: "dependencies: passes all results in the order of the ids, whichever came first",
    change: storing(({ after }) => ({ after: after && { ...after, ids: after.ids.slice(0, 1) } })),
  },
  {
    fault: "waits for nothing",
    notices: "dependencies: keeps a job waiting until those before it have succeeded",
    change: storing(() => ({ after: undefined })),
  },
  {
    fault: "stores every tick that it is given",
    notices: "schedules: stores one job for a tick that many schedulers hand over",
    change: (store) => ({
      tick: async ({ ticks }) => {
        await store.enqueue({ jobs: ticks.map(({ job }) => job) });
        return ticks.map(() => true);
      },
    }),
  },
  {
    fault: "lists the oldest first",
    notices: "get, list and counts: lists the newest first, in pages",
    change: (store) => ({
      list: async (request) => {
        const page = await store.list(request);
        return { ...page, jobs: page.jobs.toReversed() };
      },
    }),
  },
  {
    fault: "gives jobs in any order",
    notices: "get, list and counts: gives jobs in the order of the ids, and undefined for unknown ones",
    change: (store) => ({ get: ({ ids }) => store.get({ ids: ids.toSorted() }) }),
  },
  {
    fault: "keeps ended jobs for good",
    notices: "get, list and counts: forgets ended jobs when their time is over, each kind by its own",
    change: storing(() => ({ keepResultMs: 1e12 })),
  },
  {
    fault: "purges whatever has ended",
    notices: "remove and purge: purges ended jobs by status",
    change: (store) => ({
      purge: (request) => store.purge({ ...request, statuses: ["succeeded", "failed", "canceled", "expired"] }),
    }),
  },
  {
    fault: "never pauses",
    notices: "pause: claims nothing of a paused queue until it is resumed, and goes on with others",
    change: () => ({ pause: async () => {} }),
  },
  {
    fault: "forgets what jobs say",
    notices: "progress and log: keeps what a job says right before its end",
    change: () => ({ report: async () => {} }),
  },
  {
    fault: "keeps workers that have gone",
    notices: "stop, idle and close of a consumer: takes the worker from the list",
    change: () => ({ leave: async () => {} }),
  },
  {
    fault: "does not give jobs back",
    notices: "stop, idle and close of a consumer: has given all jobs back when close resolves, aborted with shutdown",
    change: (store) => ({
      finish: ({ endings }) => store.finish({ endings: endings.filter((each) => each.ending.status !== "released") }),
    }),
  },
  {
    fault: "counts what is given back as a failed attempt",
    notices: "deliveries: counts neither attempt nor delivery over ten restarts that give the job back",
    change: ending((each) =>
      each.status === "released"
        ? { status: "retry", error: { name: "Error", message: "released" }, delayMs: 0 }
        : each,
    ),
  },
  {
    fault: "tells of no changes",
    notices: "subscribe: tells of jobs that are stored",
    change: () => ({ subscribe: () => () => {} }),
  },
];
