import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Ending } from "../../tasks/ending.ts";
import { isFinal, jobStatuses, type DeliveredJob, type Job, type NewJob } from "../../tasks/job.ts";
import { createNewJob } from "../pulled/new-job.fixture.ts";
import { MemoryBench } from "./memory-bench.fixture.ts";

const maxRunning = 2;
const rate = { limit: 3, perMs: 700 };
const error = { name: "Error", message: "no" };
const queues = ["one", "two"];

type Step =
  | { readonly do: "enqueue"; readonly fields: Partial<NewJob>; readonly after: readonly number[] }
  | { readonly do: "claim"; readonly count: number }
  | { readonly do: "finish"; readonly which: number; readonly ending: Ending }
  | { readonly do: "finish late"; readonly which: number; readonly ending: Ending }
  | { readonly do: "cancel" | "retry" | "remove"; readonly which: number }
  | { readonly do: "pause" | "resume"; readonly queue: string }
  | { readonly do: "wait"; readonly ms: number };

const ending: fc.Arbitrary<Ending> = fc.oneof(
  fc.constant<Ending>({ status: "succeeded", result: "1" }),
  fc.constant<Ending>({ status: "failed", error }),
  fc.constant<Ending>({ status: "canceled", reason: "no" }),
  fc.constant<Ending>({ status: "released" }),
  fc.constantFrom(0, 300).map((delayMs): Ending => ({ status: "retry", error, delayMs })),
);

const fields: fc.Arbitrary<Partial<NewJob>> = fc.record({
  task: fc.constantFrom("free", "limited", "rated"),
  queue: fc.constantFrom(...queues),
  priority: fc.nat(9),
  delayMs: fc.constantFrom(0, 0, 0, 400),
  expiresMs: fc.constantFrom(undefined, undefined, 900),
  uniqueKey: fc.constantFrom(undefined, undefined, "k"),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("enqueue" as const), fields, after: fc.array(fc.nat(9), { maxLength: 2 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("claim" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("finish" as const), which: fc.nat(20), ending }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("finish late" as const), which: fc.nat(20), ending }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("cancel" as const, "retry" as const, "remove" as const),
      which: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("pause" as const, "resume" as const),
      queue: fc.constantFrom(...queues),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 150, 500, 1_000) }) },
);

function limitsOf(task: string): NewJob["limits"] {
  if (task === "limited") return { maxRunning, rate: undefined };
  return task === "rated" ? { maxRunning: undefined, rate } : undefined;
}

/** What must be true of a store at any moment, whatever was done to it. */
class Run {
  readonly bench = new MemoryBench();
  readonly ids: string[] = [];
  readonly removed = new Set<string>();
  readonly held: DeliveredJob[] = [];
  readonly past: DeliveredJob[] = [];
  readonly ends = new Map<string, Job>();
  readonly epochs = new Map<string, number>();
  readonly ratedStarts: number[] = [];

  async take(what: Step): Promise<void> {
    const { bench, ids } = this;
    const { store } = bench;
    switch (what.do) {
      case "enqueue": {
        const parts = what.after.flatMap((back) => ids.at(-1 - back) ?? []);
        const after = parts.length > 0 ? { ids: parts, pass: "results" as const } : undefined;
        const job = createNewJob({ ...what.fields, limits: limitsOf(what.fields.task!), after });
        const isTaken = (await store.get({ ids })).some(
          (known) =>
            known !== undefined &&
            !isFinal(known.status) &&
            known.task === job.task &&
            known.uniqueKey !== undefined &&
            known.uniqueKey === job.uniqueKey,
        );
        const [stored] = await store.enqueue({ jobs: [job] });
        expect(stored!.isDuplicate).toBe(isTaken);
        if (!stored!.isDuplicate) ids.push(job.id);
        else expect(ids).toContain(stored!.id);
        return;
      }
      case "claim":
        return this.#claim(what.count);
      case "finish": {
        const [job] = this.held.splice(what.which % Math.max(1, this.held.length), 1);
        if (job === undefined) return;
        const before = await bench.get(job).catch(() => undefined);
        const stands = before?.status === "running" && this.epochs.get(job.id) === job.epoch;
        expect(await bench.finish(job, what.ending)).toBe(stands);
        this.past.push(job);
        return;
      }
      case "finish late": {
        const job = this.past[what.which % Math.max(1, this.past.length)];
        if (job === undefined) return;
        const before = await store.get({ ids: [job.id] });
        expect(await bench.finish(job, what.ending)).toBe(false);
        expect(await store.get({ ids: [job.id] })).toEqual(before);
        return;
      }
      case "cancel":
      case "retry":
      case "remove": {
        const id = ids[what.which % Math.max(1, ids.length)];
        if (id === undefined) return;
        if (what.do === "cancel") await store.cancel({ ids: [id], reason: "no" });
        else if (what.do === "remove") {
          if ((await store.remove({ ids: [id] }))[0]) this.removed.add(id);
        } else {
          await store.retry({ ids: [id] });
          // It, and those that have failed because of it, may begin anew.
          this.ends.clear();
        }
        return;
      }
      case "pause":
        return store.pause({ queue: what.queue });
      case "resume":
        return store.resume({ queue: what.queue });
      case "wait":
        bench.now += what.ms;
    }
  }

  async #claim(count: number): Promise<void> {
    const { jobs } = await this.bench.claim(count, { queues });
    expect(jobs.length).toBeLessThanOrEqual(count);
    const known = (await this.bench.store.get({ ids: jobs.map(({ id }) => id) })) as Job[];
    for (const [index, job] of jobs.entries()) {
      expect(job.epoch, "epochs rise").toBeGreaterThan(this.epochs.get(job.id) ?? 0);
      this.epochs.set(job.id, job.epoch);
      if (job.task === "rated") this.ratedStarts.push(known[index]!.startedAt!);
      const previous = known[index - 1];
      if (previous) expect(previous.priority, "urgent ones first").toBeGreaterThanOrEqual(known[index]!.priority);
    }
    this.held.push(...jobs);
  }

  async check(): Promise<void> {
    const { bench, ids, removed } = this;
    const jobs = await bench.store.get({ ids });
    const open = new Set<string>();
    let limited = 0;
    for (const [index, job] of jobs.entries()) {
      expect(job === undefined, "a job is known until it is removed").toBe(removed.has(ids[index]!));
      if (job === undefined) continue;
      const end = this.ends.get(job.id);
      if (end) expect(job, "what has ended stays as it is").toEqual(end);
      if (isFinal(job.status)) this.ends.set(job.id, job);
      else if (job.uniqueKey !== undefined) {
        const key = `${job.task} ${job.uniqueKey}`;
        expect(open.has(key), "one open job for a key").toBe(false);
        open.add(key);
      }
      expect(isFinal(job.status)).toBe(job.endedAt !== undefined);
      expect(job.deliveries).toBeLessThanOrEqual(3);
      if (job.status === "running" && job.task === "limited") limited++;
    }
    expect(limited).toBeLessThanOrEqual(maxRunning);
    for (const [index, at] of this.ratedStarts.slice(rate.limit).entries())
      expect(at - this.ratedStarts[index]!).toBeGreaterThanOrEqual(rate.perMs);
    const counts = await bench.store.counts();
    for (const status of jobStatuses) {
      const counted = counts.reduce((sum, count) => sum + count[status], 0);
      expect([status, counted]).toEqual([status, jobs.filter((job) => job?.status === status).length]);
    }
  }

  /** Everything that was stored comes to an end. */
  async drain(): Promise<void> {
    const { store } = this.bench;
    for (const queue of queues) await store.resume({ queue });
    for (let round = 0; round < 400; round++) {
      await this.#claim(4);
      for (const job of this.held.splice(0)) await this.bench.finish(job);
      const jobs = await store.get({ ids: this.ids });
      if (jobs.every((job) => job === undefined || isFinal(job.status))) return;
      this.bench.now += 300;
    }
    throw new Error("Some jobs never end.");
  }
}

it("keeps its promises over any sequence of verbs", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const run = new Run();
      for (const each of steps) {
        await run.take(each);
        await run.check();
      }
      await run.drain();
      await run.check();
    }),
    { numRuns: 150, endOnFailure: false },
  );
}, 60_000);
