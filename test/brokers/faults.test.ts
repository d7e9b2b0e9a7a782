import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { PulledBroker } from "../../src/brokers/pulled/pulled-broker.ts";
import { memory } from "../../src/brokers/memory/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import type { Job, NewJob } from "../../src/tasks/job.ts";
import { StoreError } from "../../src/tasks/store-error.ts";
import { createRandom, withFaults } from "../../src/testing/faults.ts";
import { faultyBroker } from "../../src/testing/faulty-broker.ts";
import { createSampleJobs, sampleQueue } from "../../src/testing/describe-broker/sample-job.ts";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { stores } from "./all-stores.ts";
import { dropTemplate } from "./postgres-setup.ts";

const jobCount = 300;
/** Three that stay, and one that nobody has tried before. A failure is repeated with the seed in its name. */
const seeds = [1, 2, 3, Math.floor(Math.random() * 1e9)];

afterAll(removeTempDirectories);
afterAll(dropTemplate);

/** What is known of a job to who has stored it. */
type Knowledge = "stored" | "not stored" | "unknown";

async function store(broker: Broker, job: NewJob, tries: number): Promise<Knowledge> {
  let knowledge: Knowledge = "not stored";
  for (let left = tries; left > 0; left--) {
    try {
      await broker.enqueue({ jobs: [job] });
      return "stored";
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === "maybe_stored") knowledge = "unknown";
      else expect(error.code).toBe("not_stored");
    }
  }
  return knowledge;
}

async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

function consume(broker: Broker, execute: Execute): void {
  broker.consume(
    {
      worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues: [sampleQueue], slots: 4 },
      queues: [sampleQueue],
      slots: 4,
      leaseMs: 300,
      // An answer that is lost on its way loses a delivery.
      maxDeliveries: 50,
      onError: () => {},
    },
    execute,
  );
}

/** Stores and runs jobs, asks for some of them to be canceled, and compares what everybody knows. */
async function live(broker: Broker, seed: number): Promise<void> {
  const random = createRandom(seed);
  const runs = new Map<string, number>();
  await broker.open();
  onTestFinished(() => broker.close());
  const execute: Execute = async ({ job }) => {
    const run = (runs.get(job.id) ?? 0) + 1;
    runs.set(job.id, run);
    await new Promise((resolve) => setImmediate(resolve));
    if (job.attempt === 1 && JSON.parse(job.args)[0] % 5 === 0)
      return { status: "retry", error: { name: "Error", message: "first" }, delayMs: 1 };
    return { status: "succeeded", result: String(run) };
  };
  consume(broker, execute);
  consume(broker, execute);
  const jobs = createSampleJobs(jobCount);
  const known = new Map<string, Knowledge>();
  const canceled = new Set<string>();
  for (const job of jobs) {
    known.set(job.id, await store(broker, job, random() < 0.5 ? 1 : 10));
    if (random() < 0.1) {
      canceled.add(job.id);
      await insist(() => broker.cancel({ ids: [job.id], reason: "chance" }));
    }
  }
  const ids = jobs.map(({ id }) => id);
  let found: readonly (Job | undefined)[] = [];
  const haveEnded = async (): Promise<boolean> => {
    found = await insist(() => broker.get({ ids }));
    return found.every((job) => job === undefined || job.endedAt !== undefined);
  };
  await waitUntil(haveEnded, { withinMs: 15_000, what: "every job has ended" });
  for (const [index, id] of ids.entries()) {
    const job = found[index];
    if (known.get(id) === "stored") expect(job, `job ${id} was stored`).toBeDefined();
    if (known.get(id) === "not stored")
      expect([job, runs.get(id)], `job ${id} was not stored`).toEqual([undefined, undefined]);
    if (job === undefined) continue;
    if (job.status === "canceled") expect(canceled).toContain(id);
    else expect([id, job.status]).toEqual([id, "succeeded"]);
    if (job.status === "succeeded") expect(Number(job.result)).toBeLessThanOrEqual(runs.get(id)!);
    if (job.failures.length > 0) expect(job.failures.map(({ attempt }) => attempt)).toEqual([1]);
  }
  // What has ended stays as it is.
  expect(await insist(() => broker.get({ ids }))).toEqual(found);
}

describe.each(seeds)("with the faults of seed %i", (seed) => {
  it("a store whose verbs fail loses nothing that it has confirmed, and ends nothing twice", async () => {
    await live(faultyBroker(memory(), { seed, rate: 0.3 }), seed);
  });

  for (const { name, describe: describeStore, create } of stores)
    describeStore(`a ${name} store`, () => {
      it("that fails while jobs are claimed and ended loses none and ends none twice", async () => {
        const { supports } = memory();
        const faulty = withFaults(await create(), ["claim", "extend", "finish", "report", "enqueue", "cancel"], {
          seed,
          rate: 0.2,
        });
        await live(new PulledBroker({ name: "faulty", load: async () => faulty, isDurable: false, supports }), seed);
      });
    });
});
