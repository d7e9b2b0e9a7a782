import { setTimeout as delay } from "node:timers/promises";
import { memory, type Broker } from "afterword";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SampleEvent } from "../../src/dashboard/dashboard-types.ts";
import { EndedJobs } from "../../src/dashboard/ended-jobs.ts";
import { errorKey, groupErrors } from "../../src/dashboard/error-groups.ts";
import { History, quantile } from "../../src/dashboard/history.ts";
import { Sampler } from "../../src/dashboard/sampler.ts";
import type { Job } from "../../src/tasks/job.ts";
import { createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

/** A memory broker that tells how it is asked. */
async function openBroker(changes: Partial<Broker> = {}): Promise<Broker> {
  const broker = Object.assign(memory(), changes);
  await broker.open();
  onTestFinished(() => broker.close());
  return broker;
}

describe("the sampler", () => {
  test("pauses a hundred times as long as an answer takes", { timeout: 60_000 }, async () => {
    const asked: number[] = [];
    const broker = await openBroker({
      async counts() {
        asked.push(performance.now());
        await delay(30);
        return [];
      },
    });
    const sampler = new Sampler(broker);
    sampler.start();
    const stop = sampler.watch(() => {});
    await waitUntil(() => asked.length === 4, { withinMs: 50_000 });
    expect(asked[3]! - asked[2]!).toBeGreaterThanOrEqual(2_900);
    expect((await sampler.counts()).queues).toEqual([]);
    expect(asked.length).toBe(4);
    stop();
    await sampler.stop();
  });

  test("listens to changes only while somebody watches", async () => {
    let listeners = 0;
    const broker = await openBroker({
      subscribe() {
        listeners++;
        return () => void listeners--;
      },
    });
    const sampler = new Sampler(broker);
    sampler.start();
    expect(listeners).toBe(0);
    const stops = [sampler.watch(() => {}), sampler.watch(() => {})];
    expect(listeners).toBe(1);
    stops[0]!();
    expect(listeners).toBe(1);
    stops[1]!();
    expect(listeners).toBe(0);
    await sampler.stop();
  });

  test("goes on after a broker that was away", { timeout: 60_000 }, async () => {
    let isAway = true;
    const broker = await openBroker();
    const counts = broker.counts.bind(broker);
    broker.counts = async () => {
      if (isAway) throw new Error("away");
      return counts();
    };
    const sampler = new Sampler(broker);
    const samples: SampleEvent[] = [];
    sampler.start();
    sampler.watch((sample) => void samples.push(sample));
    await expect(sampler.counts()).rejects.toThrow("away");
    expect(samples).toEqual([]);
    isAway = false;
    await waitUntil(() => samples.length > 0, { withinMs: 30_000 });
    await sampler.stop();
  });
});

/** Stores jobs and ends them with success, but for the last `failed`. */
async function endJobs(broker: Broker, count: number, failed: number): Promise<string[]> {
  const jobs = createSampleJobs(count, { attempts: 1 });
  const bad = new Set(jobs.slice(count - failed).map(({ id }) => id));
  await broker.enqueue({ jobs });
  const consumer = broker.consume(
    {
      worker: { id: "w", host: "here", pid: 1, queues: ["default"], slots: 50 },
      slots: 50,
      queues: ["default"],
      leaseMs: 60_000,
      maxDeliveries: 3,
      onError: (error) => {
        throw error;
      },
    },
    async ({ job }) =>
      bad.has(job.id)
        ? { status: "failed", error: { name: "Error", message: "no" } }
        : { status: "succeeded", result: "1" },
  );
  const ids = jobs.map(({ id }) => id);
  await waitUntil(async () => (await broker.get({ ids })).every((job) => job?.endedAt !== undefined), {
    withinMs: 15_000,
  });
  await consumer.close();
  return ids;
}

describe("jobs that end", () => {
  test("are counted one by one while they are few, each once", async () => {
    const broker = await openBroker();
    const ended = new EndedJobs(broker);
    await ended.look(true, 0);
    const ids = await endJobs(broker, 10, 3);
    ended.hear(ids);
    ended.hear(ids.slice(0, 5));
    const first = await ended.look(true, 0);
    expect([first.succeeded, first.failed, first.durations.length]).toEqual([7, 3, 10]);
    ended.hear(ids);
    expect(await ended.look(true, 0)).toEqual({ succeeded: 0, failed: 0, durations: [] });
  });

  test("are estimated from some of them where they are many", async () => {
    const broker = await openBroker();
    const ended = new EndedJobs(broker);
    await ended.look(true, 0);
    ended.hear(await endJobs(broker, 1_000, 0));
    const { succeeded, durations } = await ended.look(true, 0);
    expect(succeeded).toBeCloseTo(1_000, 0);
    expect(durations.length).toBe(40);
  });

  test("are found where the broker cannot name them, and are no fewer than the counts say", async () => {
    const broker = await openBroker();
    const ended = new EndedJobs(broker);
    await ended.look(true, 0);
    await endJobs(broker, 100, 50);
    ended.hear(undefined);
    const { succeeded, failed } = await ended.look(true, 100);
    expect(succeeded + failed).toBeCloseTo(100, 5);
    expect(failed).toBeGreaterThan(0);
  });

  test("that had ended before anybody looked are no news", async () => {
    const broker = await openBroker();
    await endJobs(broker, 5, 0);
    expect(await new EndedJobs(broker).look(false, 0)).toEqual({ succeeded: 0, failed: 0, durations: [] });
  });
});

describe("history", () => {
  const sighting = { forMs: 1_000, succeeded: 2, failed: 1, durations: [5], queued: 3, running: 1, oldestMs: 10 };

  test("has a point for each sighting, and one for each minute", () => {
    const history = new History();
    for (let second = 0; second < 120; second++)
      history.add({ ...sighting, at: 600_000 + second * 1_000, durations: [second], oldestMs: second });
    const { seconds, minutes } = history.all();
    expect(seconds.length).toBe(120);
    expect(minutes.map(({ at, succeeded, oldestMs }) => [at, succeeded, oldestMs])).toEqual([
      [659_000, 2, 59],
      [719_000, 2, 119],
    ]);
    expect(minutes.map(({ p50, p95 }) => [p50, p95])).toEqual([
      [30, 57],
      [90, 117],
    ]);
  });

  test("forgets what is old", () => {
    const history = new History();
    for (let minute = 0; minute < 1_600; minute++) history.add({ ...sighting, at: minute * 60_000, forMs: 60_000 });
    const { seconds, minutes } = history.all();
    expect([seconds.length, minutes.length]).toEqual([300, 1_441]);
  });

  test("has no number where there is nothing to say", () => {
    const nothing = { queued: undefined, running: undefined, oldestMs: undefined, durations: [] };
    expect(new History().add({ ...sighting, ...nothing, at: 1 })).toMatchObject({
      p50: null,
      queued: null,
      running: null,
      oldestMs: null,
    });
    expect(quantile([], 0.5)).toBe(null);
    expect(quantile([1], 0.95)).toBe(1);
  });
});

describe("kinds of errors", () => {
  const key = (message: string): string => errorKey({ name: "Error", message });

  test("are the same where only numbers, ids and quoted names differ", () => {
    expect(key("Order 17 not found")).toBe(key("Order 4711 not found"));
    expect(key("No job 0198f0c2-1d2e-7000-8000-0123456789ab")).toBe(key("No job 0198f0c2-1d2e-7000-8000-ffffffffffff"));
    expect(key('"ada" is unknown')).toBe(key('"grace" is unknown'));
    expect(key("0xdeadbeef1 read")).toBe(key("0xcafe2 read"));
    expect(key("disk full")).not.toBe(key("disk gone"));
    expect(errorKey({ name: "Error", code: "a", message: "x" })).not.toBe(key("x"));
    expect(key("é".repeat(10_000)).length).toBeLessThanOrEqual(200);
  });

  test("are grouped by task, the most frequent first", () => {
    const job = (id: string, task: string, message: string, endedAt: number): Job =>
      ({ id, task, error: { name: "Error", message }, endedAt }) as Job;
    expect(
      groupErrors([job("3", "b", "no 3", 30), job("2", "a", "no 2", 20), job("1", "b", "no 1", 10)]).map(
        ({ task, count, message, firstAt, lastAt, newestId }) => [task, count, message, firstAt, lastAt, newestId],
      ),
    ).toEqual([
      ["b", 2, "no 3", 10, 30, "3"],
      ["a", 1, "no 2", 20, 20, "2"],
    ]);
  });
});
