import { setTimeout as delay } from "node:timers/promises";
import type { JobHandle, JobInfo, WorkerOptions } from "afterword";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { openWorkplace, type Workplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import * as tasks from "./fixtures/threads/tasks.ts";

keepTidy();

// A thread imports the package from its sources, which takes seconds on a busy machine.
const slow = { timeout: 60_000 };
const timeout = "50s";
const withinMs = 50_000;

/** How the job ended that failed. */
async function errorOf(handle: JobHandle<unknown>): Promise<NonNullable<JobInfo["error"]>> {
  const outcome = await handle.done;
  expect(outcome.status).toBe("failed");
  return (await handle.info())!.error!;
}

/** Waits until the job says how far it is, and gives what it noted. */
async function untilProgress(handle: JobHandle<unknown>): Promise<string | undefined> {
  let info: JobInfo | undefined;
  await waitUntil(async () => (info = await handle.info())?.progress !== undefined, { withinMs });
  return info!.progress!.note;
}

describe.each(embeddedBrokers)("a task with the option thread, on $name", (kind) => {
  let at: Workplace;
  const open = (options: Omit<WorkerOptions, "broker" | "onError"> = {}): Promise<Workplace> =>
    openWorkplace(kind, { lease: "10s", ...options, threads: { max: 1, grace: "200ms", ...options.threads } });

  describe("in one thread after the other", () => {
    // One thread for all of these.
    beforeAll(async () => {
      at = await open();
    });
    afterAll(() => at[Symbol.asyncDispose]());

    test("runs in a thread, and called like a function where it is called", slow, async () => {
      const { isMainThread } = await (await tasks.where.enqueue()).result({ timeout });
      expect(isMainThread).toBe(false);
      expect((await tasks.where()).isMainThread).toBe(true);
    });

    test("gets its arguments and gives its result as JSON", slow, async () => {
      for (const value of [1, "a", null, [], { a: [{ b: false }] }, "\u{1f600}", "__proto__"])
        expect(await (await tasks.give.enqueue(value)).result({ timeout })).toEqual(value);
      expect(await (await tasks.give.enqueue(undefined)).result({ timeout })).toBeNull();
    });

    test(
      "shows progress and log while it computes, and hears of its cancellation without a turn of its loop",
      slow,
      async () => {
        const handle = await tasks.rounds.enqueue();
        expect(await untilProgress(handle)).toBe(handle.id);
        await waitUntil(async () => ((await handle.info())?.progress?.value ?? 0) > 3, { withinMs });
        expect(await handle.cancel("enough")).toBe(true);
        expect(await handle.done).toEqual({ status: "canceled", reason: "enough" });
        // It has stopped by itself: its thread is the same, and free.
        const { threadId } = await (await tasks.where.enqueue()).result({ timeout });
        expect(await (await tasks.hold.enqueue(0)).result({ timeout })).toBe(threadId);
      },
    );

    test("keeps its thread when it ends well after an abort, by await or by a look at its signal", slow, async () => {
      const { threadId } = await (await tasks.where.enqueue()).result({ timeout });
      for (const task of [tasks.polite, tasks.rounds.with({ timeout: "50ms" })]) {
        const handle = await task.enqueue();
        await untilProgress(handle);
        if (task === tasks.polite) await handle.cancel();
        await handle.done;
        expect((await (await tasks.where.enqueue()).result({ timeout })).threadId).toBe(threadId);
      }
    });

    test("keeps what was thrown, and asks retryIf in the thread, with the error itself", slow, async () => {
      const told = at.told.length;
      const handle = await tasks.fail.enqueue();
      expect(await errorOf(handle)).toMatchObject({ name: "CardError", code: "card_declined", message: "declined" });
      const info = (await handle.info())!;
      expect(info.attempt).toBe(2);
      expect(info.error!.stack).toMatch(/^CardError: declined\n\s+at .*threads\/tasks\.ts/);
      expect(info.error!.stack).toContain("Caused by: RangeError: no money");
      expect(at.told.slice(told).map(({ error, report }) => [(error as Error).name, report.attempt])).toEqual([
        ["CardError", 1],
        ["CardError", 2],
      ]);
    });

    test.each(["date", "function", "symbol", "circle"])(
      "fails when it returns what cannot be kept: a %s",
      slow,
      async (what) => {
        const error = await errorOf(await tasks.unkeepable.enqueue(what));
        expect(error.code).toBe("unserializable_result");
        expect(error.message).toContain('What task "t.unkeepable" returned cannot be kept as JSON');
      },
    );

    test("fails when it throws what cannot be cloned", slow, async () => {
      const error = await errorOf(await tasks.unkeepable.enqueue("throw"));
      expect(error.message).toBe("Thrown was Symbol(thrown), which is no Error.");
    });

    test(
      "gives each of very many jobs its result, though its end and its thread's freedom are told on two ways",
      slow,
      async () => {
        const numbers = Array.from({ length: 500 }, (_, n) => n);
        const handles = await Promise.all(numbers.map((n) => tasks.give.enqueue(n)));
        const outcomes = await Promise.all(handles.map((handle) => handle.done));
        expect(outcomes.map((outcome) => (outcome.status === "succeeded" ? outcome.value : outcome))).toEqual(numbers);
      },
    );

    test("gets what its schema makes of the arguments", slow, async () => {
      expect(await (await tasks.birthday.enqueue("1815-12-10")).result({ timeout })).toBe(1815);
    });

    test("stores jobs with its worker's client, cancels them and asks for their results", slow, async () => {
      const { id, result } = await (await tasks.parent.enqueue("thread")).result({ timeout });
      expect(result).toBe("child of thread");
      expect(await at.client.job(id).status()).toBe("succeeded");
      expect(await (await tasks.cancelChild.enqueue()).result({ timeout })).toEqual(["scheduled", true, "canceled"]);
    });

    test("cannot store jobs in a transaction, which is in the process", slow, async () => {
      const error = await errorOf(await tasks.inTransaction.enqueue());
      expect(error).toMatchObject({ code: "unsupported" });
      expect(error.message).toContain("asked from a worker thread");
    });

    test("gets dependencies of its own, opened in the thread", slow, async () => {
      expect(await (await tasks.query.enqueue("SELECT 1")).result({ timeout })).toEqual({
        sql: "SELECT 1",
        isMain: false,
      });
    });

    test.each([
      ["exit 0", "thread_exited", "process.exit(0)"],
      ["exit 3", "thread_exited", "process.exit(3)"],
      ["callback", "thread_crashed", "SyntaxError"],
      ["rejection", "thread_crashed", "RangeError: nobody awaits this"],
      ["null", "thread_crashed", "null"],
    ])("fails when its thread dies: %s", slow, async (how, code, part) => {
      const handle = await tasks.die.enqueue(how);
      const error = await errorOf(handle);
      expect(error.code).toBe(code);
      expect(error.message).toContain('"t.die"');
      expect(error.message).toContain(part);
      // What it said before is not lost, and the next job has a thread.
      expect((await handle.info())!.log.map(({ line }) => line)).toEqual(["about to die"]);
      expect((await (await tasks.where.enqueue()).result({ timeout })).isMainThread).toBe(false);
    });
  });

  test("fails when its thread reaches its limit of memory", slow, async () => {
    await using _ = await open({ threads: { resourceLimits: { maxOldGenerationSizeMb: 40 } } });
    const error = await errorOf(await tasks.die.enqueue("memory"));
    expect(error.code).toBe("thread_out_of_memory");
    expect(error.message).toContain("threads.resourceLimits");
    expect((await (await tasks.where.enqueue()).result({ timeout })).isMainThread).toBe(false);
  });

  test.each([
    ["computes", tasks.deaf],
    ["awaits", tasks.deafAwaiting],
  ])("is terminated after the grace time when it ignores its signal, and %s", slow, async (how, deaf) => {
    await using _ = await open();
    const first = await deaf.with({ timeout: "5s" }).enqueue();
    const firstThread = await untilProgress(first);
    await first.cancel("stop it");
    expect(await first.done).toEqual({ status: "canceled", reason: "stop it" });
    const second = await deaf.with({ timeout: "300ms" }).enqueue();
    expect(await errorOf(second)).toMatchObject({ code: "timeout" });
    const { threadId } = await (await tasks.where.enqueue()).result({ timeout });
    expect([firstThread, (await second.info())!.progress!.note]).not.toContain(String(threadId));
  });

  test("keeps its lease while it computes", slow, async () => {
    await using _ = await open({ lease: "600ms" });
    await (await tasks.where.enqueue()).result({ timeout });
    const handle = await tasks.hold.enqueue(2_000);
    await handle.result({ timeout });
    const [job] = await _.broker.get({ ids: [handle.id] });
    expect(job).toMatchObject({ deliveries: 1, attempt: 1, status: "succeeded" });
  });

  test("waits for a thread in its order; who is canceled meanwhile never runs", slow, async () => {
    await using _ = await open();
    const holding = await tasks.hold.enqueue(500);
    await untilProgress(holding);
    const waiting = [await tasks.give.enqueue(1), await tasks.rounds.enqueue(), await tasks.give.enqueue(2)] as const;
    await waitUntil(async () => (await waiting[1].status()) === "running");
    await waiting[1].cancel("not needed");
    expect(await waiting[1].done).toEqual({ status: "canceled", reason: "not needed" });
    expect(await waiting[2].result({ timeout })).toBe(2);
    expect(await waiting[0].status()).toBe("succeeded");
    expect((await waiting[1].info())!.log).toEqual([]);
  });

  test("runs beside others, in as many threads as there may be", slow, async () => {
    await using _ = await open({ threads: { max: 2 } });
    const handles = [await tasks.polite.enqueue(), await tasks.polite.enqueue()];
    const notes = await Promise.all(handles.map(untilProgress));
    expect(new Set(notes).size).toBe(2);
    for (const handle of handles) await handle.cancel();
  });

  test("gets a new thread when the one before it was idle for too long", slow, async () => {
    await using _ = await open({ threads: { idleTimeout: 30 } });
    const { threadId } = await (await tasks.where.enqueue()).result({ timeout });
    // As often as it takes: each pause is longer than the one before.
    let pauseMs = 10;
    await waitUntil(
      async () => {
        await delay((pauseMs *= 2));
        return (await (await tasks.where.enqueue()).result({ timeout })).threadId !== threadId;
      },
      { withinMs, what: "another thread" },
    );
  });

  test("leaves the worker and its next job alone when something of it goes wrong after its end", slow, async () => {
    await using at = await open();
    const threadId = await (await tasks.leaveBehind.enqueue()).result({ timeout });
    await waitUntil(() => at.told.length > 0, { withinMs });
    expect(at.told).toMatchObject([{ error: { message: "left behind" }, report: { kind: "thread" } }]);
    expect((await (await tasks.where.enqueue()).result({ timeout })).threadId).not.toBe(threadId);
  });

  test("is given back at shutdown: at once if it heeds its signal, else it is terminated", slow, async () => {
    for (const task of [tasks.polite, tasks.deaf]) {
      const at = await open();
      const handle = await task.enqueue();
      await untilProgress(handle);
      expect(await at.worker.close(0)).toMatchObject({ released: 1 });
      expect(await handle.status()).toBe("queued");
      await at[Symbol.asyncDispose]();
    }
  });
});
