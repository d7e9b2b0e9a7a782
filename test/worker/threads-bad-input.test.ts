import { memory, task, Worker, type AnyTask, type JobHandle, type JobInfo } from "afterword";
import { afterEach, describe, expect, test, vi } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { foreignJob, openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { served } from "./fixtures/threads/starts-server.ts";
import * as tasks from "./fixtures/threads/tasks.ts";

keepTidy();

const slow = { timeout: 60_000 };
const [memoryKind] = embeddedBrokers;
const moduleUrl = (name: string): string => new URL(`./fixtures/threads/${name}.ts`, import.meta.url).href;
const open = (): ReturnType<typeof openWorkplace> =>
  openWorkplace(memoryKind!, { threads: { max: 1, grace: "200ms" } });

async function errorOf(handle: JobHandle<unknown>): Promise<NonNullable<JobInfo["error"]>> {
  expect((await handle.done).status).toBe("failed");
  return (await handle.info())!.error!;
}

/** The task is gone after the test, since the other workers of this file would look for its module. */
const defined: string[] = [];
function define(name: string, thread: string): AnyTask & { enqueue(): Promise<JobHandle<unknown>> } {
  defined.push(name);
  return task(name, { thread, attempts: 1 }, async () => "in the wrong place");
}
afterEach(() => {
  for (const name of defined.splice(0)) task(name, async () => {});
  vi.unstubAllEnvs();
});

describe("at definition", () => {
  test.each<[unknown, string]>([
    ["./tasks.ts", "the URL of a file, such as import.meta.url, but got './tasks.ts'"],
    ["https://example.com/tasks.ts", "the URL of a file"],
    [true, "the URL of a file, such as import.meta.url, but got true"],
    [null, "the URL of a file"],
  ])("thread: %j is refused", (thread, part) => {
    expect(() => task("b.wrong", { thread: thread as string }, async () => {})).toThrow(
      `Task "b.wrong": thread must be ${part}`,
    );
  });

  test.each<[object, string]>([
    [{ max: 0 }, "threads.max must be an integer of 1 or more, but got 0"],
    [{ max: 1.5 }, "threads.max must be an integer of 1 or more"],
    [{ size: 4 }, 'threads has no option "size". It has max, idleTimeout, grace, resourceLimits.'],
    [{ grace: "soon" }, "threads.grace"],
    [{ idleTimeout: -1 }, "threads.idleTimeout"],
    [
      { resourceLimits: { maxOldGenerationSizeMb: "1" } },
      "threads.resourceLimits.maxOldGenerationSizeMb must be a number of megabytes",
    ],
    [{ resourceLimits: { memory: 1 } }, 'threads.resourceLimits has no option "memory"'],
    [[], "threads must be { max, idleTimeout, grace, resourceLimits }"],
  ])("threads: %j is refused", (threads, part) => {
    expect(() => new Worker({ broker: memory(), threads })).toThrow(part);
  });
});

describe("at the start of the worker", () => {
  test("a module that is not there", async () => {
    define("b.missing", moduleUrl("not-there"));
    const worker = new Worker({ broker: memory() });
    await expect(worker.start()).rejects.toMatchObject({
      code: "thread_import_failed",
      message: expect.stringMatching(
        /^Task "b\.missing" names \S+not-there\.ts as the module .*thread: import\.meta\.url\.$/,
      ) as string,
    });
    await worker.close();
  });
});

describe("on the first attempt", () => {
  test("a module that does not define the task", slow, async () => {
    await using _ = await open();
    const error = await errorOf(await define("b.elsewhere", moduleUrl("defines-nothing")).enqueue());
    expect(error.code).toBe("unknown_task");
    expect(error.message).toContain("but it defines no task of that name there");
  });

  test("a module that throws when it is imported, each time", slow, async () => {
    await using at = await open();
    const task = define("b.throws", moduleUrl("throws"));
    for (let time = 0; time < 2; time++) {
      const error = await errorOf(await task.enqueue());
      expect(error.code).toBe("thread_import_failed");
      expect(error.message).toMatch(
        /^A worker thread could not import file:.*throws\.ts, the module of task "b\.throws": RangeError: the settings are missing$/,
      );
      expect(error.stack).toContain("throws.ts:2");
    }
    expect(at.told).toHaveLength(2);
    // Its thread was of no use any more; others have one.
    expect((await (await tasks.where.enqueue()).result({ timeout: "50s" })).isMainThread).toBe(false);
  });

  test("a module that ends its thread when it is imported", slow, async () => {
    await using _ = await open();
    const error = await errorOf(await define("b.exits", moduleUrl("never-ready")).enqueue());
    expect(error).toMatchObject({ code: "thread_exited" });
  });

  test.each([
    ["app", "app.listen()"],
    ["http", "listen() of a server"],
    ["worker", "worker.start()"],
    ["job", "enqueue()"],
  ])("a module that starts something of its program when it is imported: %s", slow, async (kind, what) => {
    vi.stubEnv("AFTERWORD_TEST_STARTS", kind);
    await using _ = await open();
    const error = await errorOf(await served.enqueue());
    expect(error.code).toBe("thread_import_failed");
    expect(error.message).toContain(`${what} was called while a worker thread imported the module of a task`);
    expect(error.stack).toContain("starts-server.ts");
  });

  test("arguments that do not fit the schema of the task, or are none", slow, async () => {
    await using at = await open();
    for (const [args, code] of [
      ["[5]", "invalid_arguments"],
      ["{}", "undecodable"],
      ["[", "undecodable"],
    ] as const) {
      const job = foreignJob({ task: "t.birthday", args });
      await at.broker.enqueue({ jobs: [job] });
      expect((await errorOf(at.client.job(job.id))).code).toBe(code);
    }
  });
});
