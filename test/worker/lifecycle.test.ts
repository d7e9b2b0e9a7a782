import { join } from "node:path";
import { Client, currentTask, exponential, sqlite, task, Worker } from "afterword";
import { afterEach, describe, expect, test, vi } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { startChild } from "../support/child-app.ts";
import { createGate } from "../support/gate.ts";
import { Recorder } from "../support/recorder.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";

keepTidy();

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(embeddedBrokers)("a worker on $name", (kind) => {
  test("waits at close for what runs, and takes nothing more", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    const gate = createGate();
    const recorder = new Recorder();
    const work = task("l.work", async (n: number) => {
      recorder.add(`start ${n}`);
      await gate.opened;
      return n;
    });
    const worker = new Worker({ broker, concurrency: 1 });
    const handles = await client.run(async () => [await work.enqueue(1), await work.enqueue(2)]);
    await worker.start();
    await recorder.when("start 1");
    const closing = worker.close();
    expect(worker.close()).toBe(closing);
    await turns();
    gate.open();
    expect(await closing).toEqual({ finished: 1, released: 0 });
    expect(await handles[0]!.status()).toBe("succeeded");
    expect(await handles[1]!.status()).toBe("queued");
    expect(recorder.events).toEqual(["start 1"]);
    expect(worker.running).toBe(0);
  });

  test("gives back at close what does not end in time: aborted with code shutdown, queued again, nothing counted", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    const recorder = new Recorder();
    const gate = createGate();
    const errors: unknown[] = [];
    let reason: unknown;
    const work = task("l.stuck", async () => {
      const { attempt, signal } = currentTask();
      signal.addEventListener("abort", () => (reason ??= signal.reason));
      recorder.add(`start, attempt ${attempt}`);
      await gate.opened;
      return "done";
    });
    const handle = await client.run(() => work.enqueue());
    const first = new Worker({ broker, drainTimeout: 20, onError: (error) => void errors.push(error) });
    await first.start();
    await recorder.when("start, attempt 1");
    expect(await first.close()).toEqual({ finished: 0, released: 1 });
    expect(reason).toMatchObject({ code: "shutdown" });
    expect(await handle.info()).toMatchObject({ status: "queued", failures: [] });
    await using second = new Worker({ broker, onError: (error) => void errors.push(error) });
    await second.start();
    await waitUntil(() => recorder.count("start, attempt 1") === 2);
    gate.open();
    expect(await handle.done).toEqual({ status: "succeeded", value: "done" });
    expect(errors).toEqual([]);
  });

  test("is started once, however often it is told", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    await using worker = new Worker({ broker, concurrency: 1 });
    const starting = worker.start();
    expect(worker.start()).toBe(starting);
    await starting;
    expect(worker.start()).toBe(starting);
    expect(await broker.workers()).toHaveLength(1);
    await client.open();
  });

  test("that is closed before its start has ended, or was never started, runs nothing and leaves nothing open", async () => {
    const broker = await kind.create();
    const never = new Worker({ broker });
    expect(await never.close()).toEqual({ finished: 0, released: 0 });
    const worker = new Worker({ broker });
    const starting = worker.start();
    expect(await worker.close()).toEqual({ finished: 0, released: 0 });
    await starting;
    await using client = new Client({ broker });
    const work = task("l.untouched", async () => 1);
    const handle = await work.enqueue();
    await turns();
    expect(await handle.status()).toBe("queued");
    expect(await client.broker.workers()).toEqual([]);
  });

  test("that was closed before it was started stays closed", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    await client.open();
    const worker = new Worker({ broker });
    await worker.close();
    await expect(worker.start()).rejects.toMatchObject({ code: "broker_closed" });
    const work = task("l.closed-first", async () => 1);
    const handle = await client.run(() => work.enqueue());
    await turns();
    expect(await handle.status()).toBe("queued");
    expect(await broker.workers()).toEqual([]);
  });

  test("tells onError of each failed attempt once, and goes on when that throws", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const told: unknown[] = [];
    await using worker = new Worker({
      broker,
      onError: (error, report) => {
        told.push([(error as Error).message, report.kind, report.name, report.attempt, report.attempts]);
        throw new Error("the log is full");
      },
    });
    await worker.start();
    const fail = task("l.fail", { attempts: 3, backoff: exponential({ base: "1ms" }) }, async () => {
      throw new Error("no");
    });
    const fine = task("l.fine", async () => "fine");
    const handle = await client.run(() => fail.enqueue());
    expect((await handle.done).status).toBe("failed");
    expect(await (await client.run(() => fine.enqueue())).result({ timeout: "5s" })).toBe("fine");
    expect(told).toEqual([1, 2, 3].map((attempt) => ["no", "job", "l.fail", attempt, 3]));
    // Neither error is lost.
    expect(printed).toHaveBeenCalledTimes(6);
  });

  test("writes failed attempts to stderr without onError", async () => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    await using worker = new Worker({ broker });
    await worker.start();
    const error = new Error("no");
    const fail = task("l.fail-twice", { attempts: 2, backoff: exponential({ base: "1ms" }) }, async () => {
      throw error;
    });
    const { id, done } = await client.run(() => fail.enqueue());
    await done;
    expect(printed.mock.calls).toEqual([
      [
        expect.stringMatching(`Job "l.fail-twice" failed, attempt 1 of 2 \\(id ${id}\\). The next attempt is in `),
        error,
      ],
      [
        `Job "l.fail-twice" failed, attempt 2 of 2 (id ${id}). It is kept as failed: afterword tasks show ${id}:`,
        error,
      ],
    ]);
  });
});

test("a worker whose file cannot be opened rejects at start, and leaves nothing open", async () => {
  const folder = await createTempDirectory();
  const worker = new Worker({ broker: sqlite(join(folder, "no", "such", "tasks.db")) });
  await expect(worker.start()).rejects.toThrow(/no\/such/);
  const work = task("l.nowhere", async () => 1);
  await expect(work.enqueue()).rejects.toMatchObject({ code: "no_broker" });
  expect(await worker.close()).toEqual({ finished: 0, released: 0 });
});

describe("a process", () => {
  const program = (name: string) => new URL(`fixtures/${name}.ts`, import.meta.url);

  test.each(["memory", "sqlite"])(
    "is kept alive by a worker on %s until that is closed",
    async (kind) => {
      const child = startChild(program("working"), { args: [kind], cwd: await createTempDirectory() });
      await child.line(/^started$/m, 30_000);
      // Long enough for a process to end that has nothing to wait for.
      expect(await Promise.race([child.exited, child.line(/^later$/m, 30_000)])).toBe("later");
      child.signal("SIGTERM");
      await child.line(/^closed$/m);
      expect(await child.exit()).toMatchObject({ code: 0, signal: null });
      expect(child.complaints).toEqual([]);
    },
    60_000,
  );

  test.each(["memory", "sqlite"])(
    "is not kept alive by an idle client on %s that nobody closed",
    async (kind) => {
      const child = startChild(program("idle-client"), { args: [kind], cwd: await createTempDirectory() });
      expect(await child.exit(30_000)).toMatchObject({ code: 0, signal: null });
      expect(child.lines).toEqual(["queued"]);
      expect(child.complaints).toEqual([]);
    },
    60_000,
  );
});
