import type { Histogram } from "@opentelemetry/sdk-metrics";
import { App, BackgroundTasks, memory, task } from "afterword";
import { TestClient } from "afterword/testing";
import { expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { useOtelSdk } from "./otel-sdk.ts";

keepTidy();
const sdk = useOtelSdk();

const inMemory = { name: "memory", create: async () => memory() };

test("jobs are counted and measured by the conventions of messaging", async () => {
  sdk.current.instrument({ queues: false, eventLoop: false });
  await using _ = await openWorkplace(inMemory);
  const work = task("metrics.work", { attempts: 1, queue: "default" }, async (fails: boolean) => {
    if (fails) throw new RangeError("no");
  });
  await (await work.enqueue(false)).result({ timeout: "10s" });
  await expect((await work.enqueue(true)).result({ timeout: "10s" })).rejects.toThrow("no");
  const common = {
    "messaging.system": "afterword",
    "messaging.destination.name": "default",
    "afterword.task.name": "metrics.work",
    "afterword.broker": "memory",
  };
  expect(await sdk.current.points("messaging.client.sent.messages", common)).toMatchObject([
    { value: 2, attributes: { "messaging.operation.name": "send" } },
  ]);
  expect(await sdk.current.points("messaging.client.consumed.messages", common)).toMatchObject([
    { value: 2, attributes: { "messaging.operation.name": "process" } },
  ]);
  const [operation] = await sdk.current.points("messaging.client.operation.duration");
  expect(operation).toMatchObject({
    value: { count: 2 },
    attributes: { "messaging.operation.type": "send", "messaging.system": "afterword" },
  });
  const durations = await sdk.current.points("messaging.process.duration", common);
  expect(
    durations.map(({ attributes, value }) => [attributes["afterword.outcome"], (value as Histogram).count]),
  ).toEqual([
    ["succeeded", 1],
    ["failed", 1],
  ]);
  expect(durations[1]!.attributes["error.type"]).toBe("RangeError");
  expect((durations[0]!.value as Histogram).buckets.boundaries.slice(0, 3)).toEqual([0.005, 0.01, 0.025]);
  expect(await sdk.current.points("afterword.job.running", common)).toMatchObject([{ value: 0 }]);
});

test("queues are told of, and what runs now", async () => {
  sdk.current.instrument({ eventLoop: false });
  await using _ = await openWorkplace(inMemory, { concurrency: 1 });
  const gate = createGate();
  const wait = task("metrics.wait", async () => gate.opened);
  const handles = [await wait.enqueue(), await wait.enqueue()];
  await waitUntil(async () => (await handles[0]!.status()) === "running");
  const queue = { "messaging.destination.name": "default", "afterword.broker": "memory" };
  expect(
    await sdk.current.points("afterword.queue.jobs", { ...queue, "afterword.job.status": "queued" }),
  ).toMatchObject([{ value: 1 }]);
  expect(await sdk.current.points("afterword.queue.oldest.age", queue)).toMatchObject([{ value: expect.any(Number) }]);
  expect(await sdk.current.points("afterword.queue.paused", queue)).toMatchObject([{ value: 0 }]);
  expect(await sdk.current.points("afterword.job.running")).toMatchObject([{ value: 1 }]);
  gate.open();
  await Promise.all(handles.map((handle) => handle.result({ timeout: "10s" })));
});

test("background tasks are counted and measured, and the time that requests take to drain", async () => {
  sdk.current.instrument({ queues: false, eventLoop: false });
  const app = new App({ background: { onError() {} } });
  const gate = createGate();
  app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(async function first() {
      await gate.opened;
    });
    tasks.addTask(function second() {
      throw new TypeError("no");
    });
  });
  await using client = new TestClient(app);
  const answered = client.post("/");
  await waitUntil(async () => (await sdk.current.points("afterword.task.running"))[0]?.value === 1);
  expect(await sdk.current.points("afterword.task.pending")).toMatchObject([{ value: 1 }]);
  gate.open();
  await answered;
  expect(await sdk.current.points("afterword.task.pending")).toMatchObject([{ value: 0 }]);
  expect(await sdk.current.points("afterword.task.running")).toMatchObject([{ value: 0 }]);
  expect(await sdk.current.points("afterword.task.ended")).toMatchObject([
    { value: 1, attributes: { "afterword.task.name": "first", "afterword.outcome": "succeeded" } },
    { value: 1, attributes: { "afterword.task.name": "second", "error.type": "TypeError" } },
  ]);
  for (const name of ["afterword.task.duration", "afterword.task.queued"])
    expect((await sdk.current.points(name, { "afterword.task.name": "first" }))[0]).toMatchObject({
      value: { count: 1 },
    });
  expect(await sdk.current.points("afterword.request.drain.duration")).toMatchObject([{ value: { count: 1 } }]);
});

test("the event loop is measured", async () => {
  sdk.current.instrument({ queues: false });
  await waitUntil(async () => {
    // Each question begins a new interval, in which the event loop must have been looked at.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [delay] = await sdk.current.points("nodejs.eventloop.delay.p99");
    return typeof delay?.value === "number" && delay.value > 0;
  });
  const [utilization] = await sdk.current.points("nodejs.eventloop.utilization");
  expect(utilization!.value).toBeGreaterThanOrEqual(0);
  expect(utilization!.value).toBeLessThanOrEqual(1);
});
