import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, waitUntil } from "../../../test/support/wait-until.ts";
import { LoopBench, succeeded } from "./loop-bench.fixture.ts";
import { createNewJob } from "./new-job.fixture.ts";

let bench: LoopBench;
beforeEach(() => {
  bench = new LoopBench();
});
afterEach(() => bench.close());

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
