import { App, BackgroundTasks, chain, chord, currentTask, exponential, group, task, type JobHandle } from "afterword";
import { describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openWorkplace, type Workplace } from "../support/jobs.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const add = task("f.add", async (a: number, b: number) => a + b);
const double = task("f.double", async (n: number) => n * 2);
const sum = task("f.sum", async (numbers: number[]) => numbers.reduce((a, b) => a + b, 0));
const say = task("f.say", async (text: string) => text);

/** A task that fails until it is told not to. */
function createRepairable(name: string) {
  const state = { isRepaired: false };
  const run = task(name, { attempts: 1, backoff: exponential({ base: "1ms" }) }, async (n: number) => {
    if (!state.isRepaired) throw new Error(`${n} is broken`);
    return n;
  });
  return { state, run };
}

function resultOf<R>(handle: JobHandle<R>): Promise<R> {
  return handle.result({ timeout: "10s" });
}

/** How many jobs of each status there are. */
async function count(at: Workplace): Promise<Record<string, number>> {
  const { jobs } = await at.broker.list({ filter: {}, limit: 100 });
  const counts: Record<string, number> = {};
  for (const { status } of jobs) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe.each(embeddedBrokers)("a flow on $name", (kind) => {
  test("that is a chain passes each result on to the next that wants it", async () => {
    await using _ = await openWorkplace(kind);
    expect(await resultOf(await chain(add.call(1, 2), double.withResult(), add.withResult(10)).enqueue())).toBe(16);
    expect(await resultOf(await chain(add.call(1, 2), say.call("apart"), say.withResult()).enqueue())).toBe("apart");
    expect(await resultOf(await chain(say.call("alone")).enqueue())).toBe("alone");
  });

  test("that is a chain runs its parts one after the other", async () => {
    await using _ = await openWorkplace(kind);
    const recorder = new Recorder();
    const gate = createGate();
    const step = task("f.step", async (n: number) => {
      recorder.add(`start ${n}`);
      if (n === 1) await gate.opened;
      recorder.add(`end ${n}`);
    });
    const handle = await chain(step.call(1), step.call(2), step.call(3)).enqueue();
    expect(await handle.status()).toBe("scheduled");
    await recorder.when("start 1");
    gate.open();
    expect((await handle.done).status).toBe("succeeded");
    expect(recorder.events).toEqual(["start 1", "end 1", "start 2", "end 2", "start 3", "end 3"]);
  });

  test("that is a group results in all results, in the order of its parts", async () => {
    await using _ = await openWorkplace(kind);
    const gate = createGate();
    const last = task("f.last", async (text: string) => {
      await gate.opened;
      return text;
    });
    const ending = task("f.ending", async (n: number) => {
      gate.open();
      return n;
    });
    expect(await resultOf(await group(last.call("a"), ending.call(1), say.call("b")).enqueue())).toEqual(["a", 1, "b"]);
    expect(await resultOf(await group([add.call(1, 1), add.call(2, 2)]).enqueue())).toEqual([2, 4]);
    expect(await resultOf(await group().enqueue())).toEqual([]);
  });

  test("that is a chord runs its body once, with all results", async () => {
    await using _ = await openWorkplace(kind);
    let calls = 0;
    const total = task("f.total", async (numbers: number[], name: string) => {
      calls++;
      return `${name}: ${numbers.join("+")}`;
    });
    const parts = Array.from({ length: 12 }, (__, n) => add.call(n, 0));
    const handle = await chord(parts, total.withResult("sum")).enqueue();
    expect(await resultOf(handle)).toBe("sum: 0+1+2+3+4+5+6+7+8+9+10+11");
    expect(calls).toBe(1);
    expect(await resultOf(await chord([add.call(1, 2)], say.call("no results wanted")).enqueue())).toBe(
      "no results wanted",
    );
    expect(await resultOf(await chord([], sum.withResult()).enqueue())).toBe(0);
  });

  test("may have flows as parts", async () => {
    await using _ = await openWorkplace(kind);
    const nested = group(group(add.call(1, 1), add.call(2, 2)), chain(add.call(3, 3), double.withResult()), group());
    expect(await resultOf(await nested.enqueue())).toEqual([[2, 4], 12, []]);
    const around = chain(add.call(1, 2), group(double.withResult(), add.withResult(1)), sum.withResult());
    expect(await resultOf(await around.enqueue())).toBe(10);
  });

  test("gives the same when it is called like a function", async () => {
    await using _ = await openWorkplace(kind);
    const flow = chord([chain(add.call(1, 2), double.withResult()), add.call(3, 4)], sum.withResult());
    expect(await flow()).toBe(13);
    expect(await resultOf(await flow.enqueue())).toBe(13);
  });

  test("fails with chord_part_failed when a part fails; the other parts go on, and retry of that part completes it", async () => {
    await using at = await openWorkplace(kind);
    const { state, run } = createRepairable("f.repairable");
    const handle = await chord([add.call(1, 1), run.call(5)], sum.withResult()).enqueue();
    await expect(resultOf(handle)).rejects.toMatchObject({ code: "chord_part_failed" });
    await waitUntil(async () => (await count(at))["succeeded"] === 1);
    const { jobs } = await at.broker.list({ filter: { task: "f.repairable" }, limit: 1 });
    expect((await handle.info())!.error!.message).toContain(jobs[0]!.id);
    state.isRepaired = true;
    expect(await at.broker.retry({ ids: [jobs[0]!.id] })).toEqual([true]);
    expect(await resultOf(at.client.job(handle.id))).toBe(7);
  });

  test("that is a chain fails as a whole when its first part fails, and is completed by its retry", async () => {
    await using at = await openWorkplace(kind);
    const { state, run } = createRepairable("f.repairable-first");
    const handle = await chain(run.call(1), add.withResult(1), double.withResult()).enqueue();
    await expect(resultOf(handle)).rejects.toMatchObject({ code: "chord_part_failed" });
    expect(await count(at)).toEqual({ failed: 3 });
    state.isRepaired = true;
    const { jobs } = await at.broker.list({ filter: { task: "f.repairable-first" }, limit: 1 });
    await at.broker.retry({ ids: [jobs[0]!.id] });
    expect(await resultOf(at.client.job(handle.id))).toBe(4);
  });

  test("is canceled as a whole by its handle: what waits never runs, what runs is told", async () => {
    await using at = await openWorkplace(kind, { concurrency: 1 });
    const recorder = new Recorder();
    const waiting = task("f.waiting", async (n: number) => {
      const { signal } = currentTask();
      recorder.add("runs");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      recorder.add(`stopped: ${(signal.reason as Error).message}`);
      return n;
    });
    const handle = await chord(
      [waiting.call(1), waiting.call(2), chain(add.call(1, 1), double.withResult())],
      sum.withResult(),
    ).enqueue();
    await recorder.when("runs");
    expect(await handle.cancel("not needed")).toBe(true);
    expect(await handle.done).toEqual({ status: "canceled", reason: "not needed" });
    await recorder.when("stopped: not needed");
    await waitUntil(async () => (await count(at))["canceled"] === 5);
    expect(recorder.events).toEqual(["runs", "stopped: not needed"]);
    expect(await handle.cancel()).toBe(false);
  });

  test("is stored and run when a handler adds it, with the id of its request", async () => {
    const app = new App({ broker: await kind.create() });
    const handles: JobHandle<unknown>[] = [];
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handles.push(
        tasks.addTask(chain(add.call(1, 2), double.withResult())),
        tasks.addTask(group(add.call(1, 1), say.call("x"))),
        tasks.addTask(chord([add.call(2, 2)], sum.withResult())),
      );
      return null;
    });
    const response = await app.fetch(new Request("http://local/", { method: "POST" }));
    await response.text();
    expect(await Promise.all(handles.map(resultOf))).toEqual([6, [2, "x"], 4]);
    const { jobs } = await app.broker.list({ filter: {}, limit: 20 });
    expect(new Set(jobs.map(({ meta }) => meta["requestId"])).size).toBe(1);
    expect(handles.map(({ name }) => name)).toEqual([
      "chain(f.add, f.double)",
      "group(f.add, f.say)",
      "chord(chord(f.add), f.sum)",
    ]);
    await app.close();
  });
});
