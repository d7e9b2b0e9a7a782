import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  accepted,
  App,
  BackgroundTasks,
  chain,
  chord,
  Client,
  group,
  memory,
  remoteTask,
  task,
  Worker,
  type Broker,
  type Job,
} from "afterword";
import { TestClient } from "afterword/testing";
import { defaultSettings } from "../background/added-task.ts";
import type { Flow } from "./flow.ts";
import { flowToJobs } from "./flow-jobs.ts";
import { allTasks, findTask } from "./registry.ts";
import { Schedule } from "./schedule.ts";

const add = remoteTask<[a: number, b: number], number>("proj.tasks.add", { queue: "calculations" });
const scale = remoteTask<[image: string, factor?: number], string, { width: number; note?: string }>("proj.scale");

/** What the broker has stored, oldest first. */
async function stored(broker: Broker): Promise<readonly Job[]> {
  return (await broker.list({ filter: {}, limit: 10 })).jobs.toReversed();
}

describe("remoteTask()", () => {
  it("stores calls with the options of the stub, and the defaults of task()", async () => {
    await using client = new Client({ broker: memory() });
    const here = task("remote.here", async () => {});
    await add.enqueue(1, 2);
    await add.with({ priority: 9, attempts: 2, timeout: "1m" }).enqueue(3, 4);
    await here.enqueue();
    const [first, second, local] = await stored(client.broker);
    expect(first).toMatchObject({
      task: "proj.tasks.add",
      queue: "calculations",
      args: "[1,2]",
      priority: 5,
      meta: {},
    });
    expect(second).toMatchObject({ queue: "calculations", args: "[3,4]", priority: 9, attempts: 2, timeoutMs: 60_000 });
    const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs } = local!;
    expect(first).toMatchObject({ attempts, backoff, keepResultMs, keepFailedMs, timeoutMs });
  });

  it("sends keyword arguments as one object behind the others, and says so", async () => {
    await using client = new Client({ broker: memory() });
    await scale.with({ kwargs: { width: 300 } }).enqueue("cat.jpg");
    await scale.with({ kwargs: { width: 300, note: undefined as never } }).enqueue("cat.jpg", undefined);
    await scale.with({ kwargs: {} as never }).enqueue("cat.jpg", 2);
    await scale
      .with({ kwargs: { width: 1 } })
      .with({ priority: 1, kwargs: undefined as never })
      .enqueue("cat.jpg");
    await scale.enqueue("cat.jpg");
    expect((await stored(client.broker)).map(({ args, meta }) => [args, meta])).toEqual([
      ['["cat.jpg",{"width":300}]', { kwargs: "1" }],
      ['["cat.jpg",{"width":300}]', { kwargs: "1" }],
      ['["cat.jpg",2]', {}],
      ['["cat.jpg",{"width":1}]', { kwargs: "1" }],
      ['["cat.jpg"]', {}],
    ]);
  });

  it.each<[string, unknown, string]>([
    ["a Date", { born: new Date(0) }, "argument 2.born is a Date"],
    ["a bigint", { size: 1n }, "argument 2.size is the bigint 1n"],
    ["undefined in an array", { sizes: [undefined] }, "argument 2.sizes[0] is undefined"],
  ])("refuses %s in keyword arguments", async (_, kwargs, message) => {
    await using client = new Client({ broker: memory() });
    await client.open();
    const stub = remoteTask<[string], void, object>("proj.refusing").with({ kwargs: kwargs as object });
    await expect(stub.enqueue("a")).rejects.toMatchObject({
      code: "unserializable_arguments",
      message: expect.stringContaining(message),
    });
    expect(() => chain(stub.call("a"))).toThrow(message);
    expect(await stored(client.broker)).toEqual([]);
  });

  it("counts keyword arguments to the size of the arguments", async () => {
    await using _ = new Client({ broker: memory() });
    const stub = remoteTask<[], void, { text: string }>("proj.large").with({ kwargs: { text: "a".repeat(300_000) } });
    await expect(stub.enqueue()).rejects.toMatchObject({ code: "arguments_too_large" });
  });

  it("checks the arguments with its schema, keyword arguments behind them", async () => {
    await using client = new Client({ broker: memory() });
    const stub = remoteTask<[string], void, { width: number }>("proj.checked", {
      args: z.tuple([z.string(), z.object({ width: z.int() })]),
    });
    await stub.with({ kwargs: { width: 3 } }).enqueue("a");
    await expect(stub.with({ kwargs: { width: 0.5 } }).enqueue("a")).rejects.toMatchObject({
      code: "invalid_arguments",
    });
    expect(await stored(client.broker)).toHaveLength(1);
  });

  it("makes its unique key of the arguments", async () => {
    await using _ = new Client({ broker: memory() });
    const stub = remoteTask<[order: string], void>("proj.charge", { uniqueKey: (order) => order });
    const first = await stub.enqueue("a");
    expect((await stub.enqueue("a")).id).toBe(first.id);
    expect((await stub.enqueue("b")).id).not.toBe(first.id);
  });

  it("cannot be called like a function, alone or in a flow", async () => {
    const refusal = {
      code: "remote_task",
      message:
        'Task "proj.tasks.add" lives in another program, so it cannot be called like a function. Store a call of it: await task.enqueue(…).',
    };
    await expect(add(1, 2)).rejects.toMatchObject(refusal);
    await expect(chain(add.call(1, 2))()).rejects.toMatchObject(refusal);
    expect(add.name).toBe("proj.tasks.add");
  });

  it("is not known to the workers of this program, nor is its queue", async () => {
    expect(findTask("proj.tasks.add")).toBe(undefined);
    expect(allTasks().map(({ name }) => name)).not.toContain("proj.tasks.add");
    const broker = memory();
    await using client = new Client({ broker });
    await using worker = new Worker({ broker, onError: () => {} }, client);
    await worker.start();
    const waiting = await add.enqueue(1, 2);
    const served = await remoteTask("proj.nobody").enqueue();
    await expect(served.result({ timeout: "5s" })).rejects.toMatchObject({ code: "unknown_task" });
    expect(await waiting.status()).toBe("queued");
  });

  it("takes part in flows", () => {
    const publish = remoteTask<[file: string], string, { target: string }>("proj.publish");
    const picture = (flow: Flow): string[] =>
      flowToJobs(flow.node, flow.name, defaultSettings, "r1").map(
        ({ task: name, args, after, meta: { requestId, kwargs } }) =>
          `${name}${args} ${after?.pass ?? "-"} ${JSON.stringify({ requestId, kwargs })}`,
      );
    expect(picture(chain(scale.call("cat.jpg"), publish.with({ kwargs: { target: "cdn" } }).withResult()))).toEqual([
      'proj.scale["cat.jpg"] - {"requestId":"r1"}',
      'proj.publish[{"target":"cdn"}] result {"requestId":"r1","kwargs":"1"}',
    ]);
    expect(picture(group(add.call(1, 2), add.call(3, 4)))).toHaveLength(3);
    const sum = remoteTask<[numbers: number[]], number>("proj.sum");
    expect(picture(chord([add.call(1, 2), add.call(3, 4)], sum.withResult())).at(-1)).toBe(
      'proj.sum[] results {"requestId":"r1"}',
    );
  });

  it("takes part in schedules, which keep its keyword arguments", () => {
    const nightly = new Schedule("nightly", "0 3 * * *", scale.with({ kwargs: { width: 5 } }), ["cat.jpg"], {});
    expect(nightly.toNewJob(0)).toMatchObject({
      task: "proj.scale",
      args: '["cat.jpg",{"width":5}]',
      meta: { kwargs: "1", schedule: "nightly", tick: "1970-01-01T00:00:00.000Z" },
    });
  });

  it("is stored with its request, and a test client does not wait for the other program", async () => {
    const app = new App();
    app.post("/sums", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(add, 1, 2)));
    await using client = new TestClient(app);
    const response = await client.post("/sums");
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    const [job] = await app.broker.get({ ids: [id] });
    expect(job).toMatchObject({ task: "proj.tasks.add", queue: "calculations", args: "[1,2]", status: "queued" });
  });

  it.each<[string, unknown[], string]>([
    ["no name", [], "The name of a task must be a string of 1 to 255 characters"],
    ["a function", ["a", () => 1], "remoteTask() expects (name) or (name, options), but got ('a', "],
    [
      "retryIf, which only the other program can ask",
      ["a", { retryIf: () => true }],
      'Task "a" has no option "retryIf"',
    ],
    ["a wrong value", ["a", { attempts: 0 }], "attempts must be an integer of 1 or more, but got 0"],
  ])("refuses %s with a sentence", (_, given, message) => {
    expect(() => (remoteTask as (...args: unknown[]) => unknown)(...given)).toThrow(message);
  });

  it.each<[unknown, string]>([
    [{ kwargs: [1] }, 'Task "proj.scale".with(): kwargs must be an object of arguments by their names, but got'],
    [{ kwargs: null }, "kwargs must be an object of arguments by their names, but got null"],
    [{ retries: 1 }, 'has no option "retries". It has queue,'],
  ])("refuses with(%j)", (options, message) => {
    expect(() => scale.with(options as never)).toThrow(message);
    expect(() => task("remote.local", async () => {}).with({ kwargs: {} } as never)).toThrow('no option "kwargs"');
  });
});
