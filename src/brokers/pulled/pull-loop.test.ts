import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns } from "../../../test/support/wait-until.ts";
import type { NewJob } from "../../tasks/job.ts";
import { LoopBench } from "./loop-bench.fixture.ts";
import { createNewJob, createNewJobs } from "./new-job.fixture.ts";

let bench: LoopBench;
beforeEach(() => {
  bench = new LoopBench();
});
afterEach(() => bench.close());

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
