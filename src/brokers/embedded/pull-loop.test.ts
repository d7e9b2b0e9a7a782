import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { turns, waitUntil } from "../../../test/support/wait-until.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { ConsumeOptions } from "../../tasks/broker.ts";
import type { Delivery, Execute } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { Job, NewJob } from "../../tasks/job.ts";
import { createNewJob, createNewJobs } from "./new-job.fixture.ts";
import { PullLoop } from "./pull-loop.ts";
import { RiggedStore } from "./rigged-store.fixture.ts";

const succeeded: Ending = { status: "succeeded", result: "1" };

/** A worker on a rigged store, and everything that it was told. */
class LoopBench {
  readonly rigged = new RiggedStore();
  readonly errors: unknown[] = [];
  readonly deliveries: Delivery[] = [];
  readonly loops: PullLoop[] = [];
  readonly #ends: ((ending: Ending) => void)[] = [];

  consume(execute: Execute = () => succeeded, options: Partial<ConsumeOptions> = {}): PullLoop {
    const slots = options.slots ?? 2;
    const worker = { id: `worker-${this.loops.length}`, host: "here", pid: 1, queues: ["default"], slots };
    const loop = new PullLoop(
      this.rigged.store,
      {
        worker,
        slots,
        queues: ["default"],
        leaseMs: 30_000,
        maxDeliveries: 3,
        onError: (error) => this.errors.push(error),
        ...options,
      },
      (delivery) => {
        this.deliveries.push(delivery);
        return execute(delivery);
      },
    );
    this.loops.push(loop);
    return loop;
  }

  /** Runs until it is let go. */
  readonly hold: Execute = () => new Promise((resolve) => this.#ends.push(resolve));

  letGo(ending: Ending = succeeded): void {
    for (const end of this.#ends.splice(0)) end(ending);
  }

  async enqueue(...jobs: readonly NewJob[]): Promise<void> {
    await this.rigged.memory.enqueue({ jobs });
  }

  async get(job: NewJob): Promise<Job> {
    return (await this.rigged.memory.get({ ids: [job.id] }))[0]!;
  }

  async status(job: NewJob): Promise<string> {
    return (await this.get(job)).status;
  }

  async untilStatus(job: NewJob, status: string): Promise<void> {
    await waitUntil(async () => (await this.status(job)) === status, { what: `the job is ${status}` });
  }

  async untilRunning(count: number): Promise<void> {
    await waitUntil(() => this.deliveries.length >= count, { what: `${count} were handed over` });
  }

  codes(): (string | undefined)[] {
    return this.errors.map((error) => (error instanceof AfterwordError ? error.code : undefined));
  }
}

let bench = new LoopBench();
afterEach(async () => {
  bench.rigged.restore();
  for (const loop of bench.loops) await loop.close();
  expect(bench.rigged.subscribers, "listeners left").toBe(0);
  bench = new LoopBench();
});

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

describe("signs of life", () => {
  it("makes a worker known at once, also when it has nothing to do", async () => {
    bench.consume(bench.hold, { leaseMs: 150 });
    await waitUntil(async () => (await bench.rigged.memory.workers()).length === 1);
    await waitUntil(() => bench.rigged.callsOf("extend").length >= 4, { withinMs: 2_000 });
    expect(await bench.rigged.memory.workers()).toHaveLength(1);
  });

  it("tries again soon when one does not come through", async () => {
    bench.consume(bench.hold, { leaseMs: 600 });
    await waitUntil(() => bench.rigged.callsOf("extend").length === 1);
    bench.rigged.rigs.set("extend", "fail before");
    await waitUntil(() => bench.errors.length === 1);
    const failedAtMs = performance.now();
    bench.rigged.restore();
    const before = bench.rigged.callsOf("extend").length;
    await waitUntil(() => bench.rigged.callsOf("extend").length > before);
    expect(performance.now() - failedAtMs).toBeLessThan(190);
  });

  it("aborts a job soon that somebody wants canceled, with the reason", async () => {
    const job = createNewJob();
    bench.consume(bench.hold);
    await bench.enqueue(job);
    await bench.untilRunning(1);
    await bench.rigged.memory.cancel({ ids: [job.id], reason: "not needed" });
    await waitUntil(() => bench.deliveries[0]!.abortReason, { withinMs: 500 });
    expect(bench.deliveries[0]!.abortReason).toMatchObject({ code: "canceled", message: "not needed" });
    bench.letGo({ status: "canceled", reason: "not needed" });
    await bench.untilStatus(job, "canceled");
  });

  it("aborts a job that was given to another worker, and ignores how it ends here", async () => {
    const job = createNewJob();
    const loop = bench.consume(bench.hold, { leaseMs: 200, slots: 1 });
    await bench.enqueue(job);
    await bench.untilRunning(1);
    bench.rigged.rigs.set("extend", "fail before");
    await waitUntil(async () => {
      await bench.rigged.memory.claim({
        worker: "other",
        queues: ["default"],
        count: 1,
        leaseMs: 60_000,
        maxDeliveries: 3,
      });
      return (await bench.get(job)).worker === "other";
    });
    bench.rigged.restore();
    await waitUntil(() => bench.deliveries[0]!.abortReason);
    expect(bench.deliveries[0]!.abortReason).toMatchObject({ code: "lease_lost" });
    expect(bench.deliveries[0]!.abortReason!.message).toContain(job.id);
    expect(loop.running).toBe(0);
    bench.letGo();
    await turns();
    expect(bench.rigged.callsOf("finish")).toEqual([]);
    expect(await bench.status(job)).toBe("running");
  });

  it("aborts a job that it has lost to itself, and runs the new delivery", async () => {
    const job = createNewJob();
    const loop = bench.consume(bench.hold, { leaseMs: 200, slots: 2 });
    await bench.enqueue(job);
    await bench.untilRunning(1);
    bench.rigged.rigs.set("extend", "fail before");
    await bench.untilRunning(2);
    bench.rigged.restore();
    const [first, second] = bench.deliveries;
    expect(first!.abortReason?.code).toBe("lease_lost");
    expect(second!.job).toMatchObject({ id: job.id, deliveries: 2 });
    expect(second!.abortReason).toBeUndefined();
    expect(loop.running).toBe(1);
    bench.letGo();
    await bench.untilStatus(job, "succeeded");
    await loop.idle();
    expect(bench.codes()).not.toContain("lease_lost");
  });
});

describe("endings", () => {
  it("tells of an ending that is refused, with task and id", async () => {
    const job = createNewJob({ task: "report" });
    bench.consume(bench.hold);
    await bench.enqueue(job);
    await bench.untilRunning(1);
    const { epoch } = bench.deliveries[0]!.job;
    await bench.rigged.memory.finish({ endings: [{ id: job.id, epoch, ending: succeeded }] });
    bench.letGo({ status: "succeeded", result: '"late"' });
    await waitUntil(() => bench.errors.length > 0);
    expect(bench.codes()).toEqual(["lease_lost"]);
    expect(String(bench.errors[0])).toContain(job.id);
    expect(String(bench.errors[0])).toContain('"report"');
    expect((await bench.get(job)).result).toBe("1");
  });

  it("keeps an ending that could not be stored, and stores it when the store is back", async () => {
    const job = createNewJob();
    const loop = bench.consume(bench.hold);
    await bench.enqueue(job);
    await bench.untilRunning(1);
    bench.rigged.interrupt();
    bench.letGo();
    await waitUntil(() => bench.rigged.callsOf("finish").length >= 2);
    expect(await bench.status(job)).toBe("running");
    bench.rigged.restore();
    await bench.untilStatus(job, "succeeded");
    await loop.idle();
  });

  it("is told of a refusal when an ending was stored though the answer was lost", async () => {
    const job = createNewJob();
    bench.rigged.rigs.set("finish", "fail after");
    bench.consume();
    await bench.enqueue(job);
    await bench.untilStatus(job, "succeeded");
    bench.rigged.restore();
    await waitUntil(() => bench.errors.length === 2);
    expect(bench.codes()).toEqual(["maybe_stored", "lease_lost"]);
    expect((await bench.get(job)).result).toBe("1");
  });

  it("says so when an ending could not be stored within the lease, and forgets it", async () => {
    const job = createNewJob();
    const loop = bench.consume(() => succeeded, { leaseMs: 150, maxDeliveries: 100 });
    bench.rigged.rigs.set("finish", "fail before");
    await bench.enqueue(job);
    await waitUntil(() => bench.codes().includes("lease_lost"));
    expect(String(bench.errors.find((error) => String(error).includes(job.id)))).toContain("its lease ran out");
    bench.rigged.restore();
    await bench.untilStatus(job, "succeeded");
    expect((await bench.get(job)).deliveries).toBeGreaterThan(1);
    await loop.idle();
  });

  it("stores the endings of others when the store does not take one of them", async () => {
    const jobs = createNewJobs(4);
    const { memory } = bench.rigged;
    const finish = memory.finish.bind(memory);
    memory.finish = async (request) => {
      if (request.endings.some(({ id }) => id === jobs[1]!.id)) throw new Error("This one is not to be stored.");
      return finish(request);
    };
    bench.consume(bench.hold, { slots: 4 });
    await bench.enqueue(...jobs);
    await bench.untilRunning(4);
    bench.letGo();
    for (const job of [jobs[0]!, jobs[2]!, jobs[3]!]) await bench.untilStatus(job, "succeeded");
    expect(await bench.status(jobs[1]!)).toBe("running");
    memory.finish = finish;
    await bench.untilStatus(jobs[1]!, "succeeded");
  });

  it("stores what a job says before its ending, in order", async () => {
    const job = createNewJob();
    bench.consume((delivery) => {
      delivery.log("one");
      delivery.progress(0.5, "half");
      delivery.log("two");
      return succeeded;
    });
    await bench.enqueue(job);
    await bench.untilStatus(job, "succeeded");
    const { log, progress } = await bench.get(job);
    expect(log.map(({ line }) => line)).toEqual(["one", "two"]);
    expect(progress).toMatchObject({ value: 0.5, note: "half" });
  });

  it("keeps what a job says while the store is away, in order", async () => {
    const job = createNewJob();
    bench.consume(bench.hold);
    await bench.enqueue(job);
    await bench.untilRunning(1);
    bench.rigged.rigs.set("report", "fail before");
    bench.deliveries[0]!.log("one");
    bench.deliveries[0]!.progress(0.1);
    await waitUntil(() => bench.errors.length === 1);
    bench.deliveries[0]!.log("two");
    bench.rigged.restore();
    await waitUntil(async () => (await bench.get(job)).log.length === 2);
    const { log, progress } = await bench.get(job);
    expect(log.map(({ line }) => line)).toEqual(["one", "two"]);
    expect(progress?.value).toBe(0.1);
  });
});

describe("trouble with the store", () => {
  it("is told once for each kind, and consuming goes on when it is over", async () => {
    bench.rigged.rigs.set("claim", "fail before");
    bench.consume();
    const job = createNewJob();
    await bench.enqueue(job);
    await waitUntil(() => bench.rigged.callsOf("claim").length >= 4);
    expect(bench.codes()).toEqual(["not_stored"]);
    bench.rigged.restore();
    await bench.untilStatus(job, "succeeded");
    bench.rigged.rigs.set("claim", "fail before");
    await bench.enqueue(createNewJob());
    await waitUntil(() => bench.errors.length === 2);
  });

  it("is not asked in a storm while hints come", async () => {
    bench.rigged.rigs.set("claim", "fail before");
    bench.consume();
    const startMs = performance.now();
    while (performance.now() - startMs < 100) {
      await bench.enqueue(createNewJob());
      await turns(1);
    }
    expect(bench.rigged.callsOf("claim").length).toBeLessThan(6);
  });

  it("survives an onError that throws", async () => {
    bench.rigged.rigs.set("claim", "fail before");
    bench.consume(() => succeeded, {
      onError: () => {
        throw new Error("no");
      },
    });
    const job = createNewJob();
    await bench.enqueue(job);
    await waitUntil(() => bench.rigged.callsOf("claim").length >= 2);
    bench.rigged.restore();
    await bench.untilStatus(job, "succeeded");
  });
});

describe("the end", () => {
  it("claims nothing after stop, and is idle when all endings are stored", async () => {
    const [first, second] = createNewJobs(2) as [NewJob, NewJob];
    const loop = bench.consume(bench.hold, { slots: 1 });
    await bench.enqueue(first, second);
    await bench.untilRunning(1);
    await loop.stop();
    let isIdle = false;
    const idle = loop.idle().then(() => (isIdle = true));
    await turns();
    expect(isIdle).toBe(false);
    bench.letGo();
    await idle;
    expect(await bench.status(first)).toBe("succeeded");
    expect(await bench.status(second)).toBe("queued");
  });

  it("runs what a claim under way brings after stop", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const job = createNewJob();
    await bench.enqueue(job);
    bench.rigged.rigs.set("claim", promise);
    const loop = bench.consume();
    const stopped = loop.stop();
    resolve();
    await stopped;
    await loop.idle();
    expect(await bench.status(job)).toBe("succeeded");
  });

  it("gives back what does not end when it is closed, at once", async () => {
    const jobs = createNewJobs(2);
    const loop = bench.consume(bench.hold);
    await bench.enqueue(...jobs);
    await bench.untilRunning(2);
    await Promise.all([loop.close(), loop.close()]);
    for (const job of jobs) {
      const { status, attempt, deliveries } = await bench.get(job);
      expect({ status, attempt, deliveries }).toEqual({ status: "queued", attempt: 0, deliveries: 0 });
    }
    expect(bench.deliveries.map(({ abortReason }) => abortReason?.code)).toEqual(["shutdown", "shutdown"]);
    expect(await bench.rigged.memory.workers()).toEqual([]);
    bench.letGo();
    await turns();
    expect(await bench.status(jobs[0]!)).toBe("queued");
    expect(loop.running).toBe(0);
    expect(loop.isClosed).toBe(true);
  });

  it("stores how jobs end that heed the abort", async () => {
    const job = createNewJob();
    const loop = bench.consume(
      (delivery) =>
        new Promise((resolve) => {
          delivery.onAbort = () => resolve({ status: "succeeded", result: '"in time"' });
        }),
    );
    await bench.enqueue(job);
    await bench.untilRunning(1);
    await loop.close();
    expect((await bench.get(job)).result).toBe('"in time"');
  });

  it("closes in time while the store is away, and says what was not stored", async () => {
    const loop = bench.consume(bench.hold);
    await bench.enqueue(createNewJob());
    await bench.untilRunning(1);
    bench.rigged.interrupt();
    bench.letGo();
    const startMs = performance.now();
    await loop.close();
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(bench.codes()).toContain("lease_lost");
  });

  it("leaves no timer behind", async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const loop = bench.consume(bench.hold);
    await bench.enqueue(createNewJob());
    await bench.untilRunning(1);
    bench.deliveries[0]!.log("still there");
    await loop.close();
    await turns(5);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThanOrEqual(before);
  });
});
