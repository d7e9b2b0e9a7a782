import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { LoopBench, succeeded } from "./loop-bench.fixture.ts";
import { createNewJob, createNewJobs } from "./new-job.fixture.ts";

let bench: LoopBench;
beforeEach(() => {
  bench = new LoopBench();
});
afterEach(() => bench.close());

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
