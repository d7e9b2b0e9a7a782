import { beforeEach, describe, expect, it } from "vitest";
import type { NewJob } from "../../tasks/job.ts";
import { createNewJob, createNewJobs } from "../pulled/new-job.fixture.ts";
import { MemoryBench } from "./memory-bench.fixture.ts";

const failed = { status: "failed", error: { name: "Error", message: "the disk is full" } } as const;
const after = (parts: readonly NewJob[], fields: Partial<NewJob> = {}): NewJob =>
  createNewJob({ after: { ids: parts.map(({ id }) => id), pass: "results" }, ...fields });

let bench = new MemoryBench();
beforeEach(() => {
  bench = new MemoryBench();
});

describe("jobs that wait for others", () => {
  it("survive a chain of thousands, whichever way it ends", async () => {
    const chain = [createNewJob()];
    for (let index = 0; index < 5_000; index++) chain.push(after(chain.slice(-1)));
    await bench.enqueue(...chain);
    await bench.run(failed);
    const last = await bench.get(chain.at(-1)!);
    expect(last).toMatchObject({ status: "failed", error: { code: "chord_part_failed" } });
    expect(last.error!.message).toContain(chain[0]!.id);
    expect(last.error!.message).toContain("the disk is full");
    await bench.store.retry({ ids: [chain[0]!.id] });
    expect(await bench.get(chain.at(-1)!)).toMatchObject({ status: "scheduled", runAt: undefined, error: undefined });
    await bench.run();
    expect(await bench.ids(2)).toEqual([chain[1]!.id]);
  });

  it("put the texts of results in front of the text of the arguments, as they are", async () => {
    const parts = createNewJobs(2);
    const last = after(parts, { args: ' [ "x" ,1] ' });
    await bench.enqueue(...parts, last);
    await bench.run({ status: "succeeded", result: '{"a":1.0}' });
    await bench.run({ status: "succeeded", result: "1e3" });
    expect((await bench.claim(1)).jobs[0]!.args).toBe('[[{"a":1.0},1e3],"x" ,1]');
  });

  it("count their delay from when the others have succeeded", async () => {
    const part = createNewJob();
    const last = after([part], { delayMs: 500 });
    await bench.enqueue(part, last);
    bench.now += 700;
    expect((await bench.get(last)).runAt).toBeUndefined();
    await bench.run();
    expect(await bench.get(last)).toMatchObject({ status: "scheduled", runAt: bench.now + 500 });
  });

  it("may come before the others in the batch", async () => {
    const part = createNewJob();
    await bench.enqueue(after([part]), part);
    expect(await bench.ids(2)).toEqual([part.id]);
  });

  it("wait for the job that stands for one whose unique key is in use", async () => {
    const holder = createNewJob({ uniqueKey: "k" });
    await bench.enqueue(holder);
    const part = createNewJob({ uniqueKey: "k" });
    const last = after([part]);
    await bench.enqueue(part, last);
    await bench.run({ status: "succeeded", result: '"of the holder"' });
    expect((await bench.claim(1)).jobs[0]).toMatchObject({ id: last.id, args: '[["of the holder"]]' });
  });

  it("fail when one is removed or unknown, and name it", async () => {
    const [part, unknown] = createNewJobs(2) as [NewJob, NewJob];
    const lasts = [after([part]), after([unknown])];
    await bench.enqueue(part, ...lasts);
    await bench.store.remove({ ids: [part.id] });
    for (const [index, last] of lasts.entries()) {
      const { error } = await bench.get(last);
      expect(error?.code).toBe("chord_part_failed");
      expect(error?.message).toContain([part, unknown][index]!.id);
    }
  });

  it("fail again at once when they are retried while the part is still dead, and wait when it is retried too", async () => {
    const part = createNewJob();
    const last = after([part]);
    await bench.enqueue(part, last);
    await bench.run(failed);
    expect(await bench.store.retry({ ids: [last.id] })).toEqual([true]);
    expect((await bench.get(last)).status).toBe("failed");
    expect(await bench.store.retry({ ids: [last.id, part.id] })).toEqual([true, true]);
    expect((await bench.get(last)).status).toBe("scheduled");
  });

  it("expire while they wait", async () => {
    const part = createNewJob();
    const last = after([part], { expiresMs: 100 });
    await bench.enqueue(part, last);
    bench.now += 100;
    expect((await bench.get(last)).status).toBe("expired");
    await bench.run();
    expect((await bench.get(last)).status).toBe("expired");
  });
});
