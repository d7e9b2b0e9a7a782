import { AfterwordError, Client, JobError, remoteTask, type RemoteTask } from "afterword";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { celery } from "afterword/celery";
import { AmqpCeleryTransport } from "../support/amqp-celery-transport.ts";
import { RedisCeleryTransport, type CeleryTransport } from "../support/celery-transport.ts";
import { endPythons, startPython, type PythonProcess } from "../support/python.ts";
import { withCelery, withCeleryOnRabbitmq } from "../support/test-servers.ts";

type Echo = [args: unknown[], kwargs: Record<string, unknown>];

const queue = "echo";
const echo = remoteTask<unknown[], Echo, Record<string, unknown>>("echo.echo", { queue });
const count = remoteTask<unknown[], number>("echo.count", { queue });
const patience = { timeout: "30s" } as const;

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
  return value;
}

/** What a program may pass to a task, and JSON can say. */
const extremes: readonly (readonly [name: string, args: readonly unknown[]])[] = [
  ["nothing", []],
  ["empty values", ["", [], {}, null, false, 0]],
  [
    "all kinds of letters",
    ["Ünïcödé", "ひらがな", "🐇👩‍👩‍👧‍👦", "\u202ertl", "\u0000\u0001\u001f\u007f\u0085\u2028\u2029\ufeff\uffff"],
  ],
  ["halves of surrogate pairs", ["\ud800", "\udc00x", "a\ud83d", "\udc00\ud83d"]],
  ["letters that end what is shown", ["'", '"', "\\", "\\'", "')", "{}%s%(a)s", "\r\n\t"]],
  ["letters of the protocol", ["\u0006\u0016", "celery\u0006\u00163", "$1", "__proto__"]],
  ["integers beyond 53 and 64 bits", [2 ** 53, -(2 ** 53), 2 ** 64, 1e21, -1e21]],
  ["the largest and smallest numbers", [Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, -1e-300, 0.1]],
  ["nested 200 levels deep", [nested(198)]],
  ["as many as may be", [Array.from({ length: 60_000 }, (_, index) => index % 10)]],
  ["the longest text", ["x".repeat(262_000)]],
  ["the longest text of large letters", ["🐇".repeat(65_000)]],
  ["a thousand arguments", Array.from({ length: 1_000 }, (_, index) => index)],
  ["odd names of members", [JSON.parse('{"":1,"__proto__":2,"constructor":3,"a b":4,"self":5,"\\u0000":6}')]],
  ["what looks like kombu's typed values", [{ __type__: "nothing", __value__: "x" }, { __type__: 1 }]],
  [
    "what looks like a signature",
    [{ task: "x", args: [], kwargs: {}, options: {}, subtask_type: "chain", immutable: false }],
  ],
];

/** What is refused here, so that it does not trouble anybody there. */
const refused: readonly (readonly [name: string, value: unknown, code: string])[] = [
  ["NaN", Number.NaN, "unserializable_arguments"],
  ["an infinity", -Infinity, "unserializable_arguments"],
  ["a bigint", 2n ** 70n, "unserializable_arguments"],
  ["a date", new Date(0), "unserializable_arguments"],
  ["nested too deeply", nested(1_000), "unserializable_arguments"],
  ["too long", "x".repeat(300_000), "arguments_too_large"],
];

withCelery("extremes that a worker of Celery's gets from us, on Redis", { timeout: 60_000 }, () => {
  describeExtremes(new RedisCeleryTransport(14));
});

withCeleryOnRabbitmq("extremes that a worker of Celery's gets from us, on RabbitMQ", { timeout: 60_000 }, () => {
  describeExtremes(new AmqpCeleryTransport(14, 10));
});

function describeExtremes(transport: CeleryTransport): void {
  let client: Client;
  let worker: PythonProcess;

  beforeAll(async () => {
    await transport.open();
    const { url, options } = transport;
    client = new Client({ broker: celery(url, options) });
    await client.open();
    worker = startPython(["-m", "celery", "-A", "echo", "worker", "-c", "1", "-Q", queue, "-l", "INFO"], {
      cwd: new URL("poison/", import.meta.url),
      env: { CELERY_URL: url, CELERY_RESULTS: options.results ?? url, CELERY_LEVELS: `${options.maxPriority ?? 0}` },
    });
    await worker.prints(/ ready\./, 40_000);
  }, 90_000);

  afterAll(async () => {
    await endPythons();
    await client?.close();
    await transport.close();
  }, 30_000);

  async function call<A extends unknown[], R>(task: RemoteTask<A, R>, ...args: A): Promise<R> {
    return (await client.run(() => task.enqueue(...args))).result(patience);
  }

  it.each(extremes)("gives back %s", async (_, args) => {
    expect(await call(echo, ...args)).toEqual([args, {}]);
  });

  it.each(refused)("is never sent %s", async (_, value, code) => {
    const error = await client.run(async () => echo.enqueue(value)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AfterwordError);
    expect(error).toMatchObject({ code });
    expect(await transport.unfinished(queue)).toBe(0);
  });

  it("gives back keyword arguments of any names", async () => {
    const kwargs = { "": 1, "a b": 2, ünïcödé: 3, class: 4, args: 5, "🐇": [6] };
    expect(await call(echo.with({ kwargs }))).toEqual([[], kwargs]);
  });

  it("gives back whatever JSON can say", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue({ noUnicodeString: false }), { maxLength: 5 }), async (args) => {
        const plain = JSON.parse(JSON.stringify(args)) as unknown[];
        expect(await call(echo, ...plain)).toEqual([plain, {}]);
      }),
      { numRuns: 40 },
    );
  });

  it("finds a task of any name, and says so of others", async () => {
    const named = remoteTask<unknown[], Echo>("echo. Ünïcödé 🐇 'quoted' \"name\"", { queue });
    expect(await call(named, 1)).toEqual([[1], {}]);
    for (const name of ["nobody", "__proto__", "echo.echo ", "a".repeat(200), "os.abort", "%s%n", "..", "\u202e"]) {
      const error = await call(remoteTask(name, { queue })).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(JobError);
      expect(String(error)).toContain("NotRegistered");
    }
  });

  it("bears every option at its extremes", async () => {
    const options = [
      { priority: 0 },
      { priority: 9 },
      { delay: 1 },
      { delay: "1.1s" },
      { expires: "36500d" },
      { timeout: "365d" },
      { timeout: 30_000.5 },
      { keepResult: "1.1s", keepFailed: "36500d" },
    ] as const;
    for (const option of options) expect(await call(count.with(option), 1, 2)).toBe(2);
  });

  it("is still the same worker", async () => {
    expect(await call(count)).toBe(0);
    expect(worker.output).not.toMatch(/Traceback \(most recent call last\)[^]*(?:UnicodeEncodeError|RecursionError)/);
    expect(worker.output.match(/ ready\./g)).toHaveLength(1);
    expect(await transport.unfinished(queue)).toBe(0);
  });
}
