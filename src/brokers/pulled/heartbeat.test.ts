import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, waitUntil } from "../../../test/support/wait-until.ts";
import { LoopBench } from "./loop-bench.fixture.ts";
import { createNewJob } from "./new-job.fixture.ts";

let bench: LoopBench;
beforeEach(() => {
  bench = new LoopBench();
});
afterEach(() => bench.close());

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
