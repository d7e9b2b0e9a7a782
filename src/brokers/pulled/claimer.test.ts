import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, waitUntil } from "../../../test/support/wait-until.ts";
import { LoopBench, succeeded } from "./loop-bench.fixture.ts";
import { createNewJob, createNewJobs } from "./new-job.fixture.ts";

let bench: LoopBench;
beforeEach(() => {
  bench = new LoopBench();
});
afterEach(() => bench.close());

describe("claiming", () => {
  it("asks for as many jobs as slots are free, and for none when none is", async () => {
    const jobs = createNewJobs(5);
    bench.consume(bench.hold, { slots: 3 });
    await bench.enqueue(...jobs);
    await bench.untilRunning(3);
    await turns();
    expect(bench.deliveries).toHaveLength(3);
    const counts = bench.rigged.callsOf("claim").map(({ count }) => count);
    expect(Math.max(...counts)).toBe(3);
    const before = counts.length;
    await bench.enqueue(createNewJob());
    await turns();
    expect(bench.rigged.callsOf("claim")).toHaveLength(before);
  });

  it("fills the slots of all jobs that end in one turn with one claim", async () => {
    bench.consume(bench.hold, { slots: 4 });
    await bench.enqueue(...createNewJobs(8));
    await bench.untilRunning(4);
    await turns();
    const claims = bench.rigged.callsOf("claim").length;
    const finishes = bench.rigged.callsOf("finish").length;
    bench.letGo();
    await bench.untilRunning(8);
    expect(bench.rigged.callsOf("finish")).toHaveLength(finishes + 1);
    expect(bench.rigged.callsOf("finish").at(-1)?.endings).toHaveLength(4);
    expect(bench.rigged.callsOf("claim")).toHaveLength(claims + 1);
  });

  it("claims for slots that are free while endings are still being stored", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    bench.rigged.rigs.set("finish", promise);
    bench.consume(() => succeeded, { slots: 1 });
    await bench.enqueue(...createNewJobs(3));
    await bench.untilRunning(3);
    resolve();
    await waitUntil(async () => (await bench.rigged.memory.counts())[0]?.succeeded === 3);
  });

  it("stops claiming when very many endings are not stored", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    bench.rigged.rigs.set("finish", promise);
    bench.consume(() => succeeded, { slots: 1 });
    await bench.enqueue(...createNewJobs(200));
    await turns(100);
    expect(bench.deliveries.length).toBeLessThan(100);
    resolve();
    await waitUntil(async () => (await bench.rigged.memory.counts())[0]?.succeeded === 200);
  });

  it("runs a delayed job when it is due, without waiting for the slow poll", async () => {
    const job = createNewJob({ delayMs: 60 });
    await bench.enqueue(job);
    bench.consume();
    await bench.untilStatus(job, "succeeded");
    const { startedAt, runAt } = await bench.get(job);
    expect(startedAt! - runAt!).toBeLessThan(500);
  });

  it("finds jobs by its slow poll where no hint comes", async () => {
    const { store } = bench.rigged;
    bench.rigged.memory.subscribe = () => () => {};
    bench.consume();
    await turns();
    const job = createNewJob();
    await store.enqueue({ jobs: [job] });
    await bench.untilStatus(job, "succeeded");
  });

  it("gives the event loop its turns while jobs without end come", async () => {
    let hasEnded = false;
    bench.consume(() => {
      if (!hasEnded) void bench.enqueue(createNewJob());
      return succeeded;
    });
    await bench.enqueue(createNewJob());
    await delay(20);
    hasEnded = true;
    expect(bench.deliveries.length).toBeGreaterThan(1);
  });

  it("gives back at once what a claim has given whose answer did not come", async () => {
    const job = createNewJob();
    await bench.enqueue(job);
    bench.rigged.rigs.set("claim", "fail after");
    bench.consume();
    await bench.untilStatus(job, "running");
    bench.rigged.restore();
    await bench.untilStatus(job, "succeeded");
    // Neither the end of the lease nor another delivery.
    expect(await bench.get(job)).toMatchObject({ attempt: 1, deliveries: 1 });
  });

  it("does not ask again because of what it has done itself", async () => {
    bench.consume();
    await bench.enqueue(createNewJob());
    await waitUntil(async () => (await bench.rigged.memory.counts())[0]?.succeeded === 1);
    await turns();
    // The first, one for the hint, one after the ending.
    expect(bench.rigged.callsOf("claim").length).toBeLessThanOrEqual(3);
  });

  it("runs jobs in no context of those who stored or consume", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    storage.run("the consumer's", () =>
      bench.consume(async () => {
        seen.push(storage.getStore());
        return succeeded;
      }),
    );
    const jobs = createNewJobs(3);
    for (const job of jobs) {
      await storage.run("a request's", () => bench.enqueue(job));
      await bench.untilStatus(job, "succeeded");
    }
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});
