import { propagation, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { App, BackgroundTasks, Client, currentTask, exponential, memory, task } from "afterword";
import { TestClient } from "afterword/testing";
import { instrument } from "afterword/otel";
import { describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { foreignJob, openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { useOtelSdk } from "./otel-sdk.ts";

keepTidy();
const sdk = useOtelSdk();

const idOf = (span: ReadableSpan): string => span.spanContext().spanId;
const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId;
const linksOf = (span: ReadableSpan): string[] => span.links.map(({ context }) => context.spanId);

describe("the span of a background task", () => {
  test("stands under the span in which it was added, and what the task does stands under it", async () => {
    sdk.current.instrument();
    const app = new App();
    app.use((_, next) => sdk.current.inSpan("POST /", next));
    app.post("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      await sdk.current.inSpan("handler", () => {
        tasks.addTask(async function sendMail() {
          await sdk.current.inSpan("smtp", () => {});
        });
      });
    });
    await using client = new TestClient(app);
    await client.post("/", { headers: { "x-request-id": "r-1" } });
    const span = sdk.current.span("task sendMail");
    expect(parentOf(span)).toBe(idOf(sdk.current.span("handler")));
    expect(span.spanContext().traceId).toBe(sdk.current.span("POST /").spanContext().traceId);
    expect(span.kind).toBe(SpanKind.INTERNAL);
    expect(span.attributes).toMatchObject({
      "afterword.task.name": "sendMail",
      "afterword.task.id": expect.any(String),
      "afterword.request.id": "r-1",
      "afterword.outcome": "succeeded",
    });
    expect(parentOf(sdk.current.span("smtp"))).toBe(idOf(span));
  });

  test("says why it failed", async () => {
    sdk.current.instrument();
    const tasks = new BackgroundTasks();
    tasks.addTask(function broken() {
      throw new RangeError("too far");
    });
    await expect(tasks.run()).rejects.toThrow("too far");
    const span = sdk.current.span("task broken");
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "too far" });
    expect(span.attributes).toMatchObject({ "error.type": "RangeError", "afterword.outcome": "failed" });
    expect(span.events).toMatchObject([{ name: "exception", attributes: { "exception.type": "RangeError" } }]);
  });

  test("is not made for a task that never starts", async () => {
    sdk.current.instrument();
    const app = new App();
    app.post("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      await tasks.addTask(function unwanted() {}).cancel();
    });
    await using client = new TestClient(app);
    await client.post("/");
    expect(sdk.current.spans).toEqual([]);
  });
});

describe.each(embeddedBrokers)("the spans of a job on $name", (kind) => {
  test("lead from the request that added it to each attempt", async () => {
    sdk.current.instrument();
    const flaky = task("spans.flaky", { attempts: 2, backoff: exponential({ base: "1ms" }) }, async () => {
      if (currentTask().attempt === 1) throw new TypeError("not yet");
      await sdk.current.inSpan("inside", () => {});
    });
    const app = new App({ broker: await kind.create(), background: { onError() {} } });
    app.use((_, next) => sdk.current.inSpan("POST /", next));
    let id = "";
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      ({ id } = tasks.addTask(flaky));
    });
    await using client = new TestClient(app);
    await client.post("/", { headers: { "x-request-id": "r-2" } });
    await waitUntil(() => sdk.current.spans.filter(({ name }) => name === "process default").length === 2);

    const request = sdk.current.span("POST /");
    const create = sdk.current.span("create default");
    expect(create.kind).toBe(SpanKind.PRODUCER);
    expect(parentOf(create)).toBe(idOf(request));
    expect(create.attributes).toEqual({
      "messaging.system": "afterword",
      "messaging.operation.name": "create",
      "messaging.operation.type": "create",
      "messaging.destination.name": "default",
      "messaging.message.id": id,
      "afterword.task.name": "spans.flaky",
      "afterword.request.id": "r-2",
    });
    const send = sdk.current.span("send default");
    expect(send.kind).toBe(SpanKind.CLIENT);
    expect(linksOf(send)).toEqual([idOf(create)]);
    expect(send.spanContext().traceId).toBe(request.spanContext().traceId);
    expect(send.attributes).toMatchObject({ "messaging.message.id": id, "afterword.broker": kind.name });

    const [first, second] = sdk.current.spans.filter(({ name }) => name === "process default") as [
      ReadableSpan,
      ReadableSpan,
    ];
    for (const span of [first, second]) {
      expect(span.kind).toBe(SpanKind.CONSUMER);
      expect(parentOf(span)).toBe(idOf(create));
      expect(linksOf(span)).toEqual([idOf(create)]);
      expect(span.spanContext().traceId).toBe(request.spanContext().traceId);
    }
    expect(first.attributes).toMatchObject({
      "messaging.operation.type": "process",
      "messaging.message.id": id,
      "afterword.job.attempt": 1,
      "afterword.outcome": "retry",
      "error.type": "TypeError",
    });
    expect(first.status).toEqual({ code: SpanStatusCode.ERROR, message: "not yet" });
    expect(second.attributes).toMatchObject({ "afterword.job.attempt": 2, "afterword.outcome": "succeeded" });
    expect(second.status.code).toBe(SpanStatusCode.UNSET);
    expect(parentOf(sdk.current.span("inside"))).toBe(idOf(second));
  });

  test("have a trace of their own for each attempt where that is asked for, with a link", async () => {
    sdk.current.instrument({ jobTraces: "link", spanNames: "task" });
    const plain = task("spans.plain", async () => "done");
    await using _ = await openWorkplace(kind);
    const handle = await sdk.current.inSpan("script", () => plain.enqueue());
    await handle.result({ timeout: "10s" });
    const create = sdk.current.span("create spans.plain");
    const run = sdk.current.span("process spans.plain");
    expect(parentOf(create)).toBe(idOf(sdk.current.span("script")));
    expect(parentOf(run)).toBe(undefined);
    expect(run.spanContext().traceId).not.toBe(create.spanContext().traceId);
    expect(linksOf(run)).toEqual([idOf(create)]);
  });
});

describe("the spans of jobs", () => {
  test("go on in jobs that a job adds", async () => {
    sdk.current.instrument({ spanNames: "task" });
    const inner = task("spans.inner", async () => {});
    const outer = task("spans.outer", async () => (await inner.enqueue()).id);
    await using at = await openWorkplace({ name: "memory", create: async () => memory() });
    const id = (await (await outer.enqueue()).result({ timeout: "10s" })) as string;
    await at.client.job(id).result({ timeout: "10s" });
    expect(parentOf(sdk.current.span("create spans.inner"))).toBe(idOf(sdk.current.span("process spans.outer")));
    expect(sdk.current.span("process spans.inner").spanContext().traceId).toBe(
      sdk.current.span("create spans.outer").spanContext().traceId,
    );
  });

  test("count what is stored together, and say why it was not stored", async () => {
    sdk.current.instrument();
    const one = task("spans.one", async () => {});
    const other = task("spans.other", { queue: "mail" }, async () => {});
    const broker = memory();
    const app = new App({ broker, worker: false });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(one);
      tasks.addTask(other);
    });
    await using client = new TestClient(app);
    await client.post("/");
    const send = sdk.current.span("send");
    expect(send.attributes).toMatchObject({ "messaging.batch.message_count": 2 });
    expect(send.attributes).not.toHaveProperty("messaging.destination.name");
    expect(linksOf(send)).toEqual([idOf(sdk.current.span("create default")), idOf(sdk.current.span("create mail"))]);

    const scripts = new Client({ broker });
    broker.enqueue = () => Promise.reject(new Error("full"));
    await expect(scripts.run(() => one.enqueue())).rejects.toThrow("full");
    await scripts.close();
    const failed = sdk.current.spans.find(({ name }) => name === "send default")!;
    expect(failed.status).toEqual({ code: SpanStatusCode.ERROR, message: "full" });
    expect(failed.attributes).toMatchObject({ "error.type": "Error" });
  });

  test("carry W3C's trace where no propagator is registered", async () => {
    propagation.disable();
    sdk.current.instrument();
    const plain = task("spans.w3c", async () => {});
    await using at = await openWorkplace({ name: "memory", create: async () => memory() });
    const handle = await plain.enqueue();
    await handle.result({ timeout: "10s" });
    const create = sdk.current.span("create default");
    const { traceId, spanId } = create.spanContext();
    const [job] = await at.broker.get({ ids: [handle.id] });
    expect(job!.meta).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(parentOf(sdk.current.span("process default"))).toBe(spanId);
  });

  test.each([
    "",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736",
    "x",
  ])("start a trace of their own when the stored one cannot be read: %j", async (traceparent) => {
    sdk.current.instrument();
    task("spans.odd", async () => {});
    await using at = await openWorkplace({ name: "memory", create: async () => memory() });
    await at.broker.enqueue({ jobs: [foreignJob({ task: "spans.odd", meta: { traceparent } })] });
    await waitUntil(() => sdk.current.spans.length === 1);
    const span = sdk.current.span("process default");
    expect(parentOf(span)).toBe(undefined);
    expect(span.links).toEqual([]);
  });
});

describe("instrument()", () => {
  test("takes the place of the call before, and stops", async () => {
    sdk.current.instrument();
    sdk.current.instrument();
    const plain = task("spans.again", async () => {});
    await using _ = await openWorkplace({ name: "memory", create: async () => memory() });
    await (await plain.enqueue()).result({ timeout: "10s" });
    expect(sdk.current.spans.map(({ name }) => name).toSorted()).toEqual([
      "create default",
      "process default",
      "send default",
    ]);
    instrument({ queues: false, eventLoop: false }).stop();
    const { length } = sdk.current.spans;
    await (await plain.enqueue()).result({ timeout: "10s" });
    expect(sdk.current.spans.length).toBe(length);
  });

  test("refuses what it does not know", () => {
    expect(() => instrument({ tracer: 1 } as never)).toThrow(
      'instrument() has no option "tracer". It has tracerProvider,',
    );
    expect(() => instrument({ tracerProvider: {} as never })).toThrow("with getTracer(), but got {}");
    expect(() => instrument({ jobTraces: "parent" as never })).toThrow(
      'jobTraces must be "continue" or "link", but got \'parent\'',
    );
  });
});
