import { AsyncLocalStorage } from "node:async_hooks";
import { App, BackgroundTasks, Client, currentTask, exponential, memory, task } from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test } from "vitest";
import { embeddedBrokers, rigged } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { foreignJob, openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { watchChannels } from "./watch-channels.ts";

keepTidy();

const taskChannels = ["afterword:task:added", "afterword:task:started", "afterword:task:ended"] as const;
const jobChannels = [
  "afterword:job:added",
  "afterword:store:started",
  "afterword:store:ended",
  "afterword:job:claimed",
  "afterword:job:started",
  "afterword:job:ended",
] as const;

describe("the channels of background tasks", () => {
  test("tell of each task in order, with one object, and then that the request is drained", async () => {
    const app = new App({ background: { onError() {} } });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async function first() {
        return 1;
      });
      tasks.addTask(function second() {
        throw new Error("broken");
      });
      return "answered";
    });
    using watch = watchChannels([...taskChannels, "afterword:request:drained"]);
    await using client = new TestClient(app);
    await client.post("/", { headers: { "x-request-id": "r-1" } });
    expect(
      watch.published.map(
        ({ name, message }) =>
          `${name} ${"name" in message ? message.name : (message as { requestId: string }).requestId}`,
      ),
    ).toEqual([
      "afterword:task:added first",
      "afterword:task:added second",
      "afterword:task:started first",
      "afterword:task:ended first",
      "afterword:task:started second",
      "afterword:task:ended second",
      "afterword:request:drained r-1",
    ]);
    const first = watch.published.filter(({ message }) => "name" in message && message.name === "first");
    expect(new Set(first.map(({ message }) => message)).size).toBe(1);
    const { message } = first[0]!;
    expect(message).toMatchObject({
      requestId: "r-1",
      outcome: { status: "succeeded", value: 1 },
      queuedMs: expect.any(Number),
      durationMs: expect.any(Number),
    });
    const { addedAt, startedAt, endedAt } = message as { addedAt: number; startedAt: number; endedAt: number };
    expect(addedAt).toBeLessThanOrEqual(startedAt);
    expect(startedAt).toBeLessThanOrEqual(endedAt);
    expect(watch.published.at(-1)!.message).toMatchObject({ method: "POST", durationMs: expect.any(Number) });
  });

  test("tell of an end of every task that was added, however it ended", async () => {
    const app = new App({ background: { onError() {} } });
    const gate = createGate();
    app.post("/fails", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function dropped() {});
      throw new Error("refused");
    });
    app.post("/clears", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(function cleared() {});
      const handle = tasks.addTask(function canceled() {});
      await handle.cancel("not wanted");
      tasks.tasks.length = 0;
      tasks.with({ timeout: 20 }).addTask(async function late() {
        await gate.opened;
      });
    });
    using watch = watchChannels(taskChannels);
    await using client = new TestClient(app);
    await client.post("/fails");
    await client.post("/clears");
    const named = (name: string): string[] =>
      watch.published.flatMap(({ name: channel, message }) =>
        channel.startsWith("afterword:task:") && (message as { name: string }).name === name
          ? [channel.slice("afterword:task:".length)]
          : [],
      );
    const outcome = (name: string): unknown =>
      (
        watch.published.find(({ message }) => (message as { name: string }).name === name)!.message as {
          outcome: unknown;
        }
      ).outcome;
    expect({ added: named("dropped"), outcome: outcome("dropped") }).toMatchObject({
      added: ["added", "ended"],
      outcome: { status: "dropped" },
    });
    expect([named("cleared"), outcome("cleared")]).toMatchObject([["added", "ended"], { status: "dropped" }]);
    expect([named("canceled"), outcome("canceled")]).toMatchObject([
      ["added", "ended"],
      { status: "canceled", reason: "not wanted" },
    ]);
    expect([named("late"), outcome("late")]).toMatchObject([
      ["added", "started", "ended"],
      { status: "failed", error: { code: "timeout" } },
    ]);
  });

  test("tell of lists that run outside a request", async () => {
    using watch = watchChannels(taskChannels);
    const tasks = new BackgroundTasks();
    tasks.addTask(function alone() {});
    await tasks.run();
    expect(watch.published.map(({ name, message }) => [name, (message as { requestId?: string }).requestId])).toEqual([
      ["afterword:task:started", undefined],
      ["afterword:task:ended", undefined],
    ]);
  });

  test("let subscribers run the function inside something of their own", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    using _ = watchChannels(["afterword:task:started"], ({ name, message }) => {
      if (name !== "afterword:task:started") return;
      message.wrap((call) => storage.run("inner", call));
      message.wrap((call) => storage.run("outer", call));
    });
    const tasks = new BackgroundTasks();
    tasks.addTask(async () => {
      await Promise.resolve();
      seen.push(storage.getStore(), currentTask().attempt);
    });
    await tasks.run();
    expect(seen).toEqual(["inner", 1]);
    expect(storage.getStore()).toBe(undefined);
  });
});

describe.each(embeddedBrokers)("the channels of jobs on $name", (kind) => {
  test("tell of a job from its call to its end, attempt by attempt", async () => {
    const flaky = task("channels.flaky", { attempts: 2, backoff: exponential({ base: "1ms" }) }, async () => {
      if (currentTask().attempt === 1) throw new Error("not yet");
      return "done";
    });
    using watch = watchChannels(jobChannels);
    await using _ = await openWorkplace(kind);
    const handle = await flaky.enqueue();
    expect(await handle.result({ timeout: "10s" })).toBe("done");
    await waitUntil(() => watch.published.filter(({ name }) => name === "afterword:job:ended").length === 2);
    expect(watch.published.map(({ name }) => name)).toEqual([
      "afterword:job:added",
      "afterword:store:started",
      "afterword:store:ended",
      "afterword:job:claimed",
      "afterword:job:started",
      "afterword:job:ended",
      "afterword:job:claimed",
      "afterword:job:started",
      "afterword:job:ended",
    ]);
    const [added, storeStarted, storeEnded, claimed, , ended, , , last] = watch.published.map(({ message }) => message);
    expect(added).toMatchObject({ id: handle.id, task: "channels.flaky", queue: "default", requestId: undefined });
    expect(storeStarted).toBe(storeEnded);
    expect(storeEnded).toMatchObject({
      broker: kind.name,
      jobs: [{ id: handle.id }],
      stored: [{ id: handle.id, isDuplicate: false }],
      error: undefined,
      durationMs: expect.any(Number),
    });
    expect(claimed).toBe(ended);
    expect(ended).toMatchObject({
      id: handle.id,
      broker: kind.name,
      attempt: 1,
      ending: { status: "retry" },
      error: { message: "not yet" },
      durationMs: expect.any(Number),
      queuedMs: expect.any(Number),
    });
    expect(last).toMatchObject({ attempt: 2, ending: { status: "succeeded", result: '"done"' }, error: undefined });
    expect(last).not.toBe(ended);
  });

  test("let subscribers send texts along with a job, which its worker finds", async () => {
    const plain = task("channels.plain", async () => {});
    let number = 0;
    using watch = watchChannels(["afterword:job:added", "afterword:job:started"], ({ name, message }) => {
      if (name === "afterword:job:added") message.meta["traceparent"] = `trace ${++number}`;
    });
    await using _ = await openWorkplace(kind);
    const handles = [await plain.enqueue(), await plain.enqueue()];
    await Promise.all(handles.map((handle) => handle.result({ timeout: "10s" })));
    expect(
      watch.published
        .flatMap(({ name, message }) => (name === "afterword:job:started" ? [message.job.meta] : []))
        .toSorted((a, b) => a["traceparent"]!.localeCompare(b["traceparent"]!)),
    ).toEqual([{ traceparent: "trace 1" }, { traceparent: "trace 2" }]);
  });
});

describe("the channels of jobs", () => {
  test("tell of jobs that no worker knows, and of those that could not be stored", async () => {
    using watch = watchChannels(jobChannels);
    await using at = await openWorkplace({ name: "memory", create: async () => memory() });
    await at.broker.enqueue({ jobs: [foreignJob({ task: "channels.unknown" })] });
    await waitUntil(() => watch.published.some(({ name }) => name === "afterword:job:ended"));
    expect(watch.published.at(-1)!.message).toMatchObject({
      startedAt: expect.any(Number),
      ending: { status: "failed", error: { code: "unknown_task" } },
      error: { code: "unknown_task" },
    });

    const refused = task("channels.refused", async () => {});
    const broker = rigged(memory());
    broker.rig = "fail before storing";
    await using client = new Client({ broker });
    await expect(client.run(() => refused.enqueue())).rejects.toThrow("The disk is full.");
    expect(watch.published.slice(-3)).toMatchObject([
      { name: "afterword:job:added", message: { task: "channels.refused" } },
      { name: "afterword:store:started" },
      { name: "afterword:store:ended", message: { stored: undefined, error: { message: "The disk is full." } } },
    ]);
  });

  test("tell of the requests that add them", async () => {
    const noted = task("channels.noted", async () => {});
    const app = new App({ broker: memory() });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(noted);
      tasks.addTask(noted);
    });
    using watch = watchChannels(jobChannels);
    await using client = new TestClient(app);
    await client.post("/", { headers: { "x-request-id": "r-7" } });
    await waitUntil(() => watch.published.filter(({ name }) => name === "afterword:job:ended").length === 2);
    expect(watch.published.map(({ name }) => name).slice(0, 4)).toEqual([
      "afterword:job:added",
      "afterword:job:added",
      "afterword:store:started",
      "afterword:store:ended",
    ]);
    expect(watch.published[2]!.message).toMatchObject({ jobs: [{ meta: { requestId: "r-7" } }, {}] });
    for (const { name, message } of watch.published)
      if (name === "afterword:job:ended" || name === "afterword:job:added") expect(message.requestId).toBe("r-7");
  });
});
