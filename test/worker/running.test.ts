import { AsyncLocalStorage } from "node:async_hooks";
import {
  accepted,
  App,
  BackgroundTasks,
  Client,
  currentTask,
  dependency,
  exponential,
  memory,
  task,
  taskRoutes,
  Worker,
  type CurrentTask,
} from "afterword";
import { describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openWorkplace } from "../support/jobs.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";

keepTidy();

describe.each(embeddedBrokers)("a job that runs on $name", (kind) => {
  test("is timed out: its signal aborts, and its slot is free though the function never settles", async () => {
    await using at = await openWorkplace(kind, { concurrency: 1 });
    let signal: AbortSignal | undefined;
    const endless = task("r.endless", { attempts: 1, timeout: 30 }, async () => {
      signal = currentTask().signal;
      await new Promise(() => {});
    });
    const next = task("r.next", async () => "next");
    const stuck = await endless.enqueue();
    const following = await next.enqueue();
    expect(await following.result({ timeout: "10s" })).toBe("next");
    await expect(stuck.result()).rejects.toMatchObject({
      code: "timeout",
      message: 'Task "r.endless" did not end within 30 ms.',
    });
    expect(signal!.reason).toMatchObject({ code: "timeout" });
    expect(at.told.map(({ error }) => (error as { code?: string }).code)).toEqual(["timeout"]);
  });

  test("is tried again after a timeout", async () => {
    await using _ = await openWorkplace(kind);
    const slow = task("r.slow-once", { timeout: 30, backoff: exponential({ base: "1ms" }) }, async () => {
      const { attempt, signal } = currentTask();
      if (attempt === 1)
        await new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      return attempt;
    });
    const handle = await slow.enqueue();
    expect(await handle.result({ timeout: "10s" })).toBe(2);
    expect((await handle.info())!.failures).toMatchObject([{ attempt: 1, code: "timeout" }]);
  });

  test("is canceled by another client: its signal aborts with the reason, and what the function does then counts no more", async () => {
    await using at = await openWorkplace(kind, { concurrency: 1 });
    await using other = new Client({ broker: at.broker });
    const recorder = new Recorder();
    const gate = createGate();
    const deaf = task("r.deaf", async () => {
      const { signal } = currentTask();
      signal.addEventListener("abort", () => recorder.add(`aborted: ${(signal.reason as Error).message}`));
      recorder.add("runs");
      await gate.opened;
      recorder.add("returns");
      return "too late";
    });
    const handle = await at.client.run(() => deaf.enqueue());
    await recorder.when("runs");
    expect(await other.job(handle.id).cancel("nobody wants it")).toBe(true);
    expect(await handle.done).toEqual({ status: "canceled", reason: "nobody wants it" });
    expect(recorder.events).toEqual(["runs", "aborted: nobody wants it"]);
    gate.open();
    await recorder.when("returns");
    await turns();
    expect(await handle.status()).toBe("canceled");
    expect(await handle.cancel()).toBe(false);
    await expect(handle.result()).rejects.toMatchObject({ code: "canceled" });
    expect(at.told).toEqual([]);
  });

  test("shows progress and log while it runs", async () => {
    await using _ = await openWorkplace(kind);
    const gate = createGate();
    const steps = task("r.steps", async () => {
      const { id, name, attempt, progress, log } = currentTask();
      progress(0.5, "half");
      log(`${name} ${attempt}`);
      log("second line");
      await gate.opened;
      progress(1);
      return id;
    });
    const handle = await steps.enqueue();
    await waitUntil(async () => (await handle.info())?.log.length === 2);
    const info = await handle.info();
    expect(info).toMatchObject({ status: "running", progress: { value: 0.5, note: "half" } });
    expect(info!.log.map(({ line }) => line)).toEqual(["r.steps 1", "second line"]);
    gate.open();
    expect(await handle.result({ timeout: "10s" })).toBe(handle.id);
    expect((await handle.info())!.progress).toMatchObject({ value: 1 });
  });

  test("may ask currentTask() after await, each for itself; outside of a task that throws", async () => {
    await using _ = await openWorkplace(kind);
    const gate = createGate();
    const seen: CurrentTask[] = [];
    const look = task("r.look", async (n: number) => {
      await gate.opened;
      seen[n] = currentTask();
      return currentTask().id;
    });
    const handles = [await look.enqueue(0), await look.enqueue(1)];
    gate.open();
    for (const [n, handle] of handles.entries()) {
      expect(await handle.result({ timeout: "10s" })).toBe(handle.id);
      const { id, name, attempt, request } = seen[n]!;
      expect({ id, name, attempt, request }).toEqual({ id: handle.id, name: "r.look", attempt: 1, request: undefined });
    }
    expect(() => currentTask()).toThrow("outside any task");
  });

  test("has an async context of its own", async () => {
    await using at = await openWorkplace(kind, { concurrency: 2 });
    const storage = new AsyncLocalStorage<string>();
    const gate = createGate();
    const isolated = task("r.isolated", async (name: string) => {
      const before = storage.getStore();
      storage.enterWith(name);
      await gate.opened;
      return [before ?? null, storage.getStore()];
    });
    const handles = await storage.run("the caller's", () =>
      at.client.run(async () => [
        await isolated.enqueue("a"),
        await isolated.enqueue("b"),
        await isolated.enqueue("c"),
      ]),
    );
    await waitUntil(() => at.worker.running === 2);
    gate.open();
    for (const [index, handle] of handles.entries())
      expect(await handle.result({ timeout: "10s" })).toEqual([null, "abc"[index]]);
  });

  test("gets dependencies of its own, closed before it counts as succeeded, and a failed commit is a failed attempt", async () => {
    await using _ = await openWorkplace(kind);
    const recorder = new Recorder();
    let opened = 0;
    const session = dependency(async function* () {
      const n = ++opened;
      recorder.add(`open ${n}`);
      yield n;
      if (n === 1) throw new Error("commit failed");
      recorder.add(`commit ${n}`);
    });
    const save = task(
      "r.save",
      { backoff: exponential({ base: "1ms" }) },
      { session },
      ({ session: n }, row: string) => {
        recorder.add(`save ${row} in ${n}`);
        return n;
      },
    );
    const handle = await save.enqueue("row");
    expect(await handle.result({ timeout: "10s" })).toBe(2);
    expect(recorder.events).toEqual(["open 1", "save row in 1", "open 2", "save row in 2", "commit 2"]);
    expect((await handle.info())!.failures).toMatchObject([{ message: "commit failed" }]);
  });

  test("of an app gets what app.overrides put in place of its dependencies", async () => {
    const app = new App({ broker: await kind.create() });
    const user = dependency(() => ({ name: "Ada" }));
    const greet = task("r.greet", {}, { user }, ({ user: { name } }) => `Hello, ${name}`);
    await app.open();
    try {
      expect(await (await greet.enqueue()).result({ timeout: "10s" })).toBe("Hello, Ada");
      app.overrides.set(
        user,
        dependency(() => ({ name: "Test" })),
      );
      expect(await (await greet.enqueue()).result({ timeout: "10s" })).toBe("Hello, Test");
      app.overrides.clear();
      expect(await (await greet.enqueue()).result({ timeout: "10s" })).toBe("Hello, Ada");
    } finally {
      await app.close();
    }
  });

  test("enqueues in its own broker, whichever others are open; outside of it that is ambiguous", async () => {
    await using at = await openWorkplace(kind);
    await using second = new Client({ broker: memory() });
    const worker = new Worker({ broker: second.broker, drainTimeout: 0 }, second);
    await worker.start();
    const child = task("r.child", async (from: string) => from);
    const parent = task("r.parent", async (from: string) => {
      await turns(3);
      return (await child.with({ delay: "1h" }).enqueue(from)).id;
    });
    await expect(parent.enqueue("nobody")).rejects.toMatchObject({ code: "ambiguous_broker" });
    for (const client of [at.client, second]) {
      const handle = await client.run(() => parent.enqueue("x"));
      const id = await handle.result({ timeout: "10s" });
      expect(await client.job(id).status()).toBe("scheduled");
      expect(await (client === second ? at.client : second).job(id).status()).toBe("lost");
    }
    await worker.close();
  });

  test("is one of at most concurrency", async () => {
    await using at = await openWorkplace(kind, { concurrency: 3 });
    let running = 0;
    let most = 0;
    const count = task("r.count", async () => {
      most = Math.max(most, ++running);
      await turns(2);
      running--;
    });
    const handles = await Promise.all(Array.from({ length: 20 }, () => count.enqueue()));
    for (const handle of handles) expect((await handle.done).status).toBe("succeeded");
    expect(most).toBe(3);
    await waitUntil(() => at.worker.running === 0);
  });
});

test("jobs of two apps in one process store their own jobs each where they came from", async () => {
  const child = task("r.app-child", async () => {});
  const parent = task("r.app-parent", async () => (await child.with({ delay: "1h" }).enqueue()).id);
  const apps = [new App({ broker: memory() }), new App({ broker: memory() })];
  for (const app of apps) {
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(parent)));
    app.include(taskRoutes());
    await app.open();
  }
  await expect(parent.enqueue()).rejects.toMatchObject({ code: "ambiguous_broker" });
  for (const app of apps) {
    const response = await app.fetch(new Request("http://local/", { method: "POST" }));
    const location = response.headers.get("location")!;
    await response.text();
    let shown: { readonly status?: string; readonly result?: string } = {};
    await waitUntil(async () => {
      const answer = await app.fetch(new Request(`http://local${location}`));
      shown = (await answer.json()) as typeof shown;
      return shown.status === "succeeded";
    });
    const stored = await Promise.all(apps.map(({ broker }) => broker.get({ ids: [shown.result!] })));
    expect(stored.map(([job]) => job?.status)).toEqual(apps.map((other) => (other === app ? "scheduled" : undefined)));
  }
  for (const app of apps) await app.close();
});
