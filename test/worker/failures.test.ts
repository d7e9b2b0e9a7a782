import { exponential, task, JobError, type JobHandle } from "afterword";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { embeddedBrokers } from "../support/brokers.ts";
import { foreignJob, openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

const quick = { backoff: exponential({ base: "1ms" }) };

/** What the handle's result throws. */
async function errorOf(handle: JobHandle): Promise<JobError> {
  const error: unknown = await handle.result({ timeout: "5s" }).then(
    () => new Error("it has succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(JobError);
  return error as JobError;
}

class PaymentError extends Error {
  override readonly name = "PaymentError";
  readonly code = "card_declined";
}

const unreadable = new Error("x");
for (const key of ["name", "message", "stack", "code", "cause"])
  Object.defineProperty(unreadable, key, {
    get() {
      throw new Error(`${key} cannot be read`);
    },
  });

/** Not even `instanceof` can be asked of it. */
const hostile: unknown = new Proxy(new Error("x"), {
  get() {
    throw new Error("nothing can be read");
  },
  getPrototypeOf() {
    throw new Error("it has no class");
  },
});

describe.each(embeddedBrokers)("a worker on $name", (kind) => {
  test("keeps what the function returned, and null for nothing", async () => {
    await using at = await openWorkplace(kind);
    const give = task("w.give", async (value: unknown) => value);
    const plain = task("w.plain", (a: number, b: number) => a + b);
    const nothing = task("w.nothing", async () => {});
    for (const value of [1, "a", null, [], { a: [{ b: false }] }, ""])
      expect(await (await give.enqueue(value)).result({ timeout: "5s" })).toEqual(value);
    expect(await (await plain.enqueue(1, 2)).result({ timeout: "5s" })).toBe(3);
    expect(await (await nothing.enqueue()).result({ timeout: "5s" })).toBeNull();
    expect(at.told).toEqual([]);
  });

  test.each<[string, unknown, Partial<Record<"name" | "message" | "code", string>>]>([
    ["an error", new TypeError("no"), { name: "TypeError", message: "no", code: "job_failed" }],
    ["one of a class of its own", new PaymentError("no"), { name: "PaymentError", code: "card_declined" }],
    ["nothing", undefined, { name: "Error", message: "Thrown was undefined, which is no Error." }],
    ["a text", "no", { name: "Error", message: "Thrown was 'no', which is no Error." }],
    ["a frozen error", Object.freeze(new RangeError("cold")), { name: "RangeError", message: "cold" }],
    [
      "an error that cannot be read",
      unreadable,
      { name: "Error", message: "An error was thrown that cannot be read." },
    ],
    ["a Proxy that throws", hostile, { name: "Error", message: "An error was thrown that cannot be read." }],
    ["an object without prototype", Object.create(null), { name: "Error" }],
  ])("keeps what was thrown when it is %s, once for each attempt, and tells onError", async (_, thrown, expected) => {
    await using at = await openWorkplace(kind);
    const fail = task("w.fail", { attempts: 2, ...quick }, async () => {
      throw thrown;
    });
    const failSync = task("w.fail-sync", { attempts: 1 }, () => {
      throw thrown;
    });
    for (const [handle, attempts] of [
      [await fail.enqueue(), 2],
      [await failSync.enqueue(), 1],
    ] as const) {
      expect(await errorOf(handle)).toMatchObject(expected);
      const info = await handle.info();
      expect(info).toMatchObject({ status: "failed", attempt: attempts, attempts });
      expect(info!.failures.map(({ attempt }) => attempt)).toEqual([1, 2].slice(0, attempts));
      const told = at.told.filter(({ report }) => report.id === handle.id);
      // By identity: some of them cannot be compared.
      expect(told.map(({ error }) => error === thrown)).toEqual(Array.from({ length: attempts }, () => true));
      expect(told.map(({ report }) => [report.attempt, report.retryInMs === undefined])).toEqual(
        attempts === 2
          ? [
              [1, false],
              [2, true],
            ]
          : [[1, true]],
      );
    }
  });

  test("keeps the stacks of an error and of its causes", async () => {
    await using _ = await openWorkplace(kind);
    const fail = task("w.cause", { attempts: 1 }, async () => {
      throw new Error("the order was not placed", { cause: new RangeError("out of stock") });
    });
    const { stack } = await errorOf(await fail.enqueue());
    expect(stack).toMatch(/^Error: the order was not placed\n\s+at .*failures\.test\.ts/);
    expect(stack).toMatch(/\nCaused by: RangeError: out of stock\n\s+at /);
  });

  test("tries again as backoff says, until it succeeds", async () => {
    await using at = await openWorkplace(kind);
    const startedAt: number[] = [];
    const flaky = task("w.flaky", { backoff: exponential({ base: "60ms", factor: 2, jitter: false }) }, async () => {
      startedAt.push(Date.now());
      if (startedAt.length < 3) throw new Error(`try ${startedAt.length}`);
      return startedAt.length;
    });
    const handle = await flaky.enqueue();
    expect(await handle.result({ timeout: "10s" })).toBe(3);
    expect(startedAt[1]! - startedAt[0]!).toBeGreaterThanOrEqual(58);
    expect(startedAt[2]! - startedAt[1]!).toBeGreaterThanOrEqual(118);
    expect(at.told.map(({ report }) => report.retryInMs)).toEqual([60, 120]);
    expect((await handle.info())!.failures.map(({ message }) => message)).toEqual(["try 1", "try 2"]);
  });

  test("asks retryIf with the very error and its attempt, and takes one that throws for a yes", async () => {
    await using _ = await openWorkplace(kind);
    const asked: unknown[] = [];
    const error = new Error("no use");
    const fail = task(
      "w.retry-if",
      {
        ...quick,
        retryIf: (...given) => {
          asked.push(given);
          return given[1] < 2;
        },
      },
      async () => {
        throw error;
      },
    );
    const handle = await fail.enqueue();
    await handle.done;
    expect(asked).toEqual([
      [error, 1],
      [error, 2],
    ]);
    expect(await handle.info()).toMatchObject({ status: "failed", attempt: 2, attempts: 5 });
    const confused = task(
      "w.retry-if-throws",
      {
        ...quick,
        attempts: 2,
        retryIf: () => {
          throw new Error("confused");
        },
      },
      async () => {
        throw error;
      },
    );
    const second = await confused.enqueue();
    await second.done;
    expect(await second.info()).toMatchObject({ status: "failed", attempt: 2 });
  });

  test("gives the function what the schema of its arguments makes of them", async () => {
    await using at = await openWorkplace(kind);
    const charge = task(
      "w.charge",
      { args: z.tuple([z.string().trim(), z.coerce.number<number>()]), ...quick },
      async (id: string, cents: number) => [id, cents],
    );
    expect(await (await charge.enqueue(" a ", 5)).result({ timeout: "5s" })).toEqual(["a", 5]);
    const text = foreignJob({ task: "w.charge", args: '["b","7"]' });
    await at.broker.enqueue({ jobs: [text] });
    expect(await at.client.job(text.id).result({ timeout: "5s" })).toEqual(["b", 7]);
    await expect(charge.enqueue("c", "x" as never)).rejects.toMatchObject({
      code: "invalid_arguments",
      message: expect.stringContaining("argument 2"),
    });
  });

  test("awaits a schema that answers with a promise", async () => {
    await using at = await openWorkplace(kind);
    const isKnown = z.string().refine(async (id) => id !== "gone", "is not there");
    const load = task("w.load", { args: z.tuple([isKnown]) }, async (id: string) => `row ${id}`);
    expect(await (await load.enqueue("1")).result({ timeout: "5s" })).toBe("row 1");
    await expect(load.enqueue("gone")).rejects.toMatchObject({ code: "invalid_arguments" });
    const stored = foreignJob({ task: "w.load", args: '["gone"]' });
    await at.broker.enqueue({ jobs: [stored] });
    expect(await errorOf(at.client.job(stored.id))).toMatchObject({ code: "invalid_arguments" });
  });

  test.each<[string, Parameters<typeof foreignJob>[0], string, RegExp]>([
    ["a task that nobody knows", { task: "w.unknown" }, "unknown_task", /knows no task "w\.unknown".*retry the job/],
    ["arguments that are no JSON", { task: "w.pair", args: "nonsense" }, "undecodable", /are not JSON/],
    ["arguments that are no array", { task: "w.pair", args: "{}" }, "undecodable", /are not a JSON array/],
    ["arguments that do not fit", { task: "w.pair", args: '["a"]' }, "invalid_arguments", /do not fit its schema/],
  ])("fails a job with %s at once, whatever attempts it has", async (_, job, code, message) => {
    await using at = await openWorkplace(kind);
    let calls = 0;
    task("w.pair", { args: z.tuple([z.number(), z.number()]) }, async () => void calls++);
    const stored = foreignJob(job);
    await at.broker.enqueue({ jobs: [stored] });
    const handle = at.client.job(stored.id);
    const error = await errorOf(handle);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(await handle.info()).toMatchObject({ status: "failed", attempt: 1, attempts: 3 });
    expect(calls).toBe(0);
    expect(at.told.map(({ report }) => [report.id, report.retryInMs])).toEqual([[stored.id, undefined]]);
  });

  test.each<[string, unknown, string, string]>([
    ["is a function", () => 1, "unserializable_result", "returned cannot be kept as JSON: it is"],
    [
      "has a Date in it",
      { rows: [{ at: new Date(0) }] },
      "unserializable_result",
      "it has at result.rows[0].at a Date",
    ],
    ["is a bigint", 1n, "unserializable_result", "Pass it as a string."],
    ["contains itself", loop(), "unserializable_result", "contains itself"],
    ["cannot be turned into JSON", { toJSON: () => fail("no JSON of this") }, "unserializable_result", "toJSON"],
    ["is too large", "x".repeat(262_144), "result_too_large", "is 262146 bytes of JSON, and at most 262144 are stored"],
  ])("fails a job whose result %s at once, and says where", async (_case, result, code, message) => {
    await using _ = await openWorkplace(kind);
    let calls = 0;
    const give = task("w.give-wrong", quick, async () => {
      calls++;
      return result;
    });
    const error = await errorOf(await give.enqueue());
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(calls).toBe(1);
  });
});

function loop(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

function fail(message: string): never {
  throw new Error(message);
}
