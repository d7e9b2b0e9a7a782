import { join } from "node:path";
import { chain, Client, memory, sqlite, task, Worker, type Broker, type NewJob } from "afterword";
import { describe, expect, test } from "vitest";
import { moveQueue } from "../../src/cli/move-jobs.ts";
import { createSampleJob, createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { runCli } from "../support/cli.ts";
import { createGate } from "../support/gate.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const double = task("move-double", async (n: number) => n * 2);

async function withBrokers(use: (source: Broker, target: Broker) => Promise<void>): Promise<void> {
  const folder = await createTempDirectory();
  const source = sqlite(join(folder, "source.db"));
  const target = memory();
  await source.open();
  await target.open();
  try {
    await use(source, target);
  } finally {
    await source.close();
    await target.close();
  }
}

async function idsOf(broker: Broker, queue = "default"): Promise<readonly string[]> {
  const { jobs } = await broker.list({ filter: { queue }, limit: 1_000 });
  return jobs.map(({ id }) => id).toReversed();
}

describe("moving a queue", () => {
  test("keeps the ids, the order, the options and what is left of delays", async () => {
    await withBrokers(async (source, target) => {
      const full: Partial<NewJob> = {
        priority: 8,
        delayMs: 60_000,
        expiresMs: 120_000,
        attempts: 4,
        limits: { maxRunning: 3, rate: undefined },
        keepFailedMs: 5_000,
        uniqueKey: "u1",
        meta: { requestId: "r1" },
      };
      const jobs = [...createSampleJobs(230), createSampleJob(full)];
      await source.enqueue({ jobs });
      const before = (await source.get({ ids: [jobs.at(-1)!.id] }))[0]!;
      expect(await moveQueue(source, target, "default")).toEqual({ moved: 231, merged: 0, kept: [], running: 0 });
      expect(await idsOf(source)).toEqual([]);
      expect(await idsOf(target)).toEqual(jobs.map(({ id }) => id));
      const after = (await target.get({ ids: [jobs.at(-1)!.id] }))[0]!;
      const { storedAt: _a, runAt, expiresAt, ...rest } = after;
      const { storedAt: _b, runAt: runBefore, expiresAt: expiresBefore, ...restBefore } = before;
      expect(rest).toEqual(restBefore);
      expect(Math.abs(runAt! - runBefore!)).toBeLessThan(2_000);
      expect(Math.abs(expiresAt! - expiresBefore!)).toBeLessThan(2_000);
      expect((await target.counts()).some(({ isPaused }) => isPaused)).toBe(false);
    });
  });

  test("that was cut off in the middle is finished by moving again", async () => {
    await withBrokers(async (source, target) => {
      const jobs = createSampleJobs(5);
      await source.enqueue({ jobs });
      // Stored there, and not forgotten here yet.
      await target.enqueue({ jobs: jobs.slice(0, 3) });
      expect(await moveQueue(source, target, "default")).toMatchObject({ moved: 5 });
      expect(await idsOf(target)).toEqual(jobs.map(({ id }) => id));
      expect(await idsOf(source)).toEqual([]);
    });
  });

  test("leaves what has ended and what runs, and what a worker gets in between at the source", async () => {
    await withBrokers(async (source, target) => {
      const [first, second] = createSampleJobs(2);
      await source.enqueue({ jobs: [first!, second!] });
      const remove = source.remove.bind(source);
      // As if a worker had claimed it while it was stored there.
      source.remove = async ({ ids }) => {
        await source.cancel({ ids: [first!.id], reason: "by somebody" });
        const results = await remove({ ids: ids.slice(1) });
        return [false, ...results];
      };
      expect(await moveQueue(source, target, "default")).toMatchObject({ moved: 1 });
      expect(await idsOf(target)).toEqual([second!.id]);
      expect(await idsOf(source)).toEqual([first!.id]);
    });
  });

  test("moves flows as a whole, and leaves those that have begun", async () => {
    await withBrokers(async (source, target) => {
      const client = new Client({ broker: source });
      await client.open();
      const gate = createGate();
      const held = task("move-held", async (n: number) => {
        await gate.opened;
        return n;
      });
      await client.run(() => chain(double.call(1), held.withResult(), double.withResult()).enqueue());
      await using worker = new Worker({ broker: source, queues: ["default"] });
      await worker.start();
      await waitUntil(
        async () => (await source.counts())[0]!.succeeded === 1 && (await source.counts())[0]!.running === 1,
      );
      await source.pause({ queue: "default" });
      await client.run(() => chain(double.call(2), double.withResult()).enqueue());
      const report = await moveQueue(source, target, "default");
      const left = await source.list({ filter: { statuses: ["scheduled", "queued"] }, limit: 10 });
      expect(report).toMatchObject({ moved: 2, running: 1 });
      expect(left.jobs).toHaveLength(1);
      expect(report.kept).toEqual(left.jobs.map(({ id }) => id).toReversed());
      expect((await target.list({ filter: {}, limit: 10 })).jobs).toHaveLength(2);
      gate.open();
      await worker.close();
      await client.close();
    });
  });

  test("merges with the job that has its unique key at the target, and keeps held what was held", async () => {
    await withBrokers(async (source, target) => {
      await source.enqueue({ jobs: [createSampleJob({ uniqueKey: "k" })] });
      await target.enqueue({ jobs: [createSampleJob({ uniqueKey: "k" })] });
      await target.pause({ queue: "default" });
      expect(await moveQueue(source, target, "default")).toMatchObject({ moved: 0, merged: 1 });
      expect((await target.counts())[0]).toMatchObject({ queued: 1, isPaused: true });
      expect((await source.counts())[0]?.isPaused ?? false).toBe(false);
    });
  });
});

describe("afterword tasks move", () => {
  test("moves all queues, or those that are named, and says what it did", async () => {
    const folder = await createTempDirectory();
    const source = sqlite(join(folder, "a.db"));
    await source.open();
    await source.enqueue({ jobs: [...createSampleJobs(3), createSampleJob({ queue: "mail" })] });
    await source.close();
    const run = (...args: string[]) => runCli(["tasks", "move", ...args], { cwd: folder, withinMs: 30_000 });
    const both = ["--from", "sqlite:a.db", "--to", "sqlite:b.db"];
    expect(await run(...both, "--queues", "nowhere")).toMatchObject({
      code: 1,
      stderr: "There is no queue nowhere at sqlite:a.db. There are default, mail.",
    });
    expect(await run(...both, "--queues", "mail")).toMatchObject({ code: 0, stdout: "mail: 1 job moved.\n" });
    expect((await run(...both)).stdout).toContain("default: 3 jobs moved.\n");
    expect(await run("--from", "sqlite:a.db", "--to", "sqlite:a.db")).toMatchObject({ code: 2 });
    expect(await run("--from", "memory:", "--to", "sqlite:a.db")).toMatchObject({ code: 2 });
    const target = sqlite(join(folder, "b.db"));
    await target.open();
    expect((await target.counts()).map(({ queue, queued }) => [queue, queued])).toEqual([
      ["default", 3],
      ["mail", 1],
    ]);
    await target.close();
  });

  test("pause and resume hold a queue and let it go on", async () => {
    const folder = await createTempDirectory();
    const env = { AFTERWORD_BROKER: "sqlite:a.db" };
    const run = (...args: string[]) => runCli(["tasks", ...args], { cwd: folder, env, withinMs: 30_000 });
    expect((await run("pause", "mail")).code).toBe(0);
    expect((await run("counts")).stdout).toContain("mail (paused)");
    expect((await run("resume", "mail")).code).toBe(0);
    expect((await run("counts")).stdout).not.toContain("(paused)");
  });
});
