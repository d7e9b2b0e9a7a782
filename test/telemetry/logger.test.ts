import { Console } from "node:console";
import { Writable } from "node:stream";
import { App, BackgroundTasks, exponential, memory, task, Worker, type LoggerLike } from "afterword";
import { TestClient } from "afterword/testing";
import pino from "pino";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createGate } from "../support/gate.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const stderr = vi.spyOn(console, "error").mockImplementation(() => {});
afterEach(() => stderr.mockClear());

type Line = Readonly<Record<string, unknown>>;

/** pino as users have it, and what it has written. */
function createPino(): { readonly logger: LoggerLike; readonly lines: Line[]; readonly advice: Line[] } {
  const lines: Line[] = [];
  /** On a busy machine any function may hold the event loop. */
  const advice: Line[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      const line = JSON.parse(String(chunk)) as Line;
      (line["code"] === "AFTERWORD_BLOCKED" ? advice : lines).push(line);
      done();
    },
  });
  return { logger: pino(sink), lines, advice };
}

const warn = 40;
const error = 50;

describe("pino as the logger of an app", () => {
  test("is told of everything that would go to stderr, with fields", async () => {
    const { logger, lines } = createPino();
    const app = new App({ broker: memory(), logger, worker: { concurrency: 1 } });
    const flaky = task(
      "log.flaky",
      { attempts: 2, queue: "default", backoff: exponential({ base: "1ms" }) },
      async () => {
        throw new RangeError("no");
      },
    );
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function broken() {
        throw new TypeError("also no");
      });
      return { id: tasks.addTask(flaky).id };
    });
    app.get("/fails", () => {
      throw new Error("unexpected");
    });
    await using client = new TestClient(app);
    const answer = await client.post("/", { headers: { "x-request-id": "r-1" } });
    const { id } = (await answer.json()) as { id: string };
    await client.get("/fails");
    await waitUntil(() => lines.filter(({ jobId }) => jobId === id).length === 2);
    expect(lines.find(({ kind }) => kind === "task")).toMatchObject({
      level: error,
      task: "broken",
      taskId: expect.any(String),
      requestId: "r-1",
      err: { type: "TypeError", message: "also no", stack: expect.stringContaining("TypeError: also no") },
      msg: 'Background task "broken" failed (called with no arguments, request r-1)',
    });
    const common = { kind: "job", task: "log.flaky", queue: "default", attempts: 2, requestId: "r-1" };
    expect(lines.filter(({ jobId }) => jobId === id)).toMatchObject([
      { ...common, level: warn, attempt: 1, retryInMs: expect.any(Number), err: { type: "RangeError" } },
      { ...common, level: error, attempt: 2, err: { message: "no" } },
    ]);
    expect(lines.find(({ status }) => status === 500)).toMatchObject({
      level: error,
      method: "GET",
      path: "/fails",
      err: { message: "unexpected" },
      msg: "GET /fails was answered with 500, because of",
    });
    expect(stderr).not.toHaveBeenCalled();
  });

  test("is told of what holds the event loop, once, in place of a warning of the process", async () => {
    const { logger, advice } = createPino();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const app = new App({ logger });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function compute() {
        const endMs = performance.now() + 80;
        while (performance.now() < endMs);
      });
    });
    await using client = new TestClient(app);
    await client.post("/");
    process.off("warning", onWarning);
    expect(advice).toMatchObject([
      { level: warn, code: "AFTERWORD_BLOCKED", tasks: ["compute"], blockedMs: expect.any(Number) },
    ]);
    expect(warnings).toEqual([]);
  });

  test("is told of a failing onError and of its first error, and of listeners that throw", async () => {
    const { logger, lines } = createPino();
    const app = new App({
      logger,
      background: {
        onError() {
          throw new Error("second");
        },
      },
    });
    app.background.on("started", () => {
      throw new Error("listener");
    });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function broken() {
        throw new Error("first");
      });
    });
    await using client = new TestClient(app);
    await client.post("/");
    expect(lines.map(({ err }) => (err as Error).message)).toEqual(["listener", "second", "first"]);
    expect(lines[0]).toMatchObject({ event: "started" });
  });

  test("is told of what is lost at shutdown", async () => {
    const { logger, lines } = createPino();
    const gate = createGate();
    const app = new App({ logger, background: { drainTimeout: 1 } });
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async function endless() {
        await gate.opened;
      });
    });
    const known = new Set([...process.listeners("SIGTERM"), ...process.listeners("SIGINT")]);
    const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
    const server = await app.listen({ port: 0 });
    await fetch(server.url, { method: "POST", headers: { "x-request-id": "r-3" } });
    process.emit("SIGTERM", "SIGTERM");
    await waitUntil(() => exit.mock.calls.length > 0, { withinMs: 15_000 });
    expect(exit).toHaveBeenCalledWith(1);
    exit.mockRestore();
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      for (const listener of process.listeners(signal)) if (!known.has(listener)) process.off(signal, listener);
    expect(lines).toMatchObject([
      {
        level: error,
        task: "endless",
        requestId: "r-3",
        wasRunning: true,
        msg: expect.stringMatching(/^Lost at shutdown/),
      },
    ]);
  });
});

describe("a logger", () => {
  test("of a worker is told of its jobs and of trouble with the broker", async () => {
    const { logger, lines } = createPino();
    const broker = memory();
    task("log.worker", { attempts: 1 }, async () => {
      throw new Error("no");
    });
    await using worker = new Worker({ broker, logger });
    await worker.start();
    const { createSampleJob } = await import("../../src/testing/describe-broker/sample-job.ts");
    await broker.enqueue({ jobs: [createSampleJob({ task: "log.worker", attempts: 1 })] });
    await waitUntil(() => lines.length === 1);
    expect(lines[0]).toMatchObject({ kind: "job", task: "log.worker", attempt: 1, queue: "default" });
    expect(stderr).not.toHaveBeenCalled();
  });

  test("that is a console gets the texts of stderr", async () => {
    let text = "";
    const sink = new Writable({
      write(chunk, _, done) {
        text += String(chunk);
        done();
      },
    });
    const app = new App({ logger: new Console(sink) });
    app.get("/", () => {
      throw new Error("unexpected");
    });
    await using client = new TestClient(app);
    await client.get("/");
    expect(text).toMatch(/^GET \/ was answered with 500, because of: Error: unexpected\n {4}at /);
  });

  test("that throws costs nothing but its line, which goes to stderr", async () => {
    const logger: LoggerLike = {
      warn() {},
      error() {
        throw new Error("disk full");
      },
    };
    const app = new App({ logger });
    app.get("/", () => {
      throw new Error("unexpected");
    });
    await using client = new TestClient(app);
    expect((await client.get("/")).status).toBe(500);
    expect(stderr.mock.calls.map(([first]) => first as string)).toEqual([
      "The logger threw:",
      "GET / was answered with 500, because of:",
    ]);
  });

  test("must have the methods of one", () => {
    expect(() => new App({ logger: {} as never })).toThrow(
      "new App(): logger must be a logger with the methods warn(fields, message) and error(fields, message), such as pino() or console, but got {}",
    );
    expect(() => new Worker({ broker: memory(), logger: "pino" as never })).toThrow("new Worker(): logger must be");
  });
});
