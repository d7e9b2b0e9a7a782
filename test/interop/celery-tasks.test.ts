import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { chain, chord, Client, group, JobError, remoteTask, type JobMessage } from "afterword";
import { afterAll, beforeAll, expect, it } from "vitest";
import { celery } from "afterword/celery";
import { endChildren, startChild } from "../support/child-app.ts";
import { endPythons, startPython } from "../support/python.ts";
import { fleetPlaces, pythonEnv, type FleetPlace, type OpenPlace } from "./fleet-places.ts";

const fixtures = new URL("fixtures/", import.meta.url);

const add = remoteTask<[x: number, y: number], number>("shop.add", { queue: "celery" });
const scale = remoteTask<[x: number], number, { factor: number }>("shop.scale", { queue: "celery" });
const total = remoteTask<[numbers: number[]], number>("shop.total", { queue: "celery" });
const missing = remoteTask<[key: string], never>("shop.missing", { queue: "celery" });
const sell = remoteTask<[], never>("shop.sell", { queue: "celery" });
const patience = remoteTask<[], number>("shop.patience", { queue: "celery" });
const trace = remoteTask<[], string | null>("shop.trace", { queue: "celery" });
const multiply = remoteTask<[x: number, y: number], number>("ts.multiply", { queue: "typescript" });
const where = remoteTask<[number: number], [kind: string, number: number]>("shop.where", { queue: "shared" });
const wait = { timeout: "20s" } as const;

for (const place of fleetPlaces(10))
  place.describe(`one fleet of Celery's workers and ours, on ${place.name}`, { timeout: 90_000 }, () =>
    describeFleet(place),
  );

function describeFleet({ open, hasChords }: FleetPlace): void {
  let place: OpenPlace;
  let client: Client;
  const python = (): Parameters<typeof startPython>[1] => ({ cwd: fixtures, env: pythonEnv(place) });

  beforeAll(async () => {
    place = await open();
    client = new Client({ broker: celery(place.url, place.options) });
    await client.open();
    const worker = startPython(
      ["-m", "celery", "-A", "shop", "worker", "-c", "2", "-Q", "celery,shared", "-n", "python@%h", "-l", "INFO"],
      python(),
    );
    const args = [place.url, JSON.stringify(place.options)];
    await startChild(new URL("shop-worker.ts", fixtures), { args }).line(/^started$/m);
    await worker.prints(/ready\.$/m, 60_000);
  }, 120_000);

  afterAll(async () => {
    await endChildren();
    await endPythons();
    await client?.close();
    await place?.close();
  }, 60_000);

  it("runs a Python function that TypeScript calls, and gives its result", async () => {
    const job = await client.run(() => add.enqueue(2, 3));
    expect(await job.result(wait)).toBe(5);
    expect(await job.status()).toBe("succeeded");
  });

  it("passes keyword arguments", async () => {
    const job = await client.run(() => scale.with({ kwargs: { factor: 4 } }).enqueue(5));
    expect(await job.result(wait)).toBe(20);
  });

  it("gives errors of Python by their names", async () => {
    const lost = await client.run(() => missing.enqueue("key"));
    await expect(lost.result(wait)).rejects.toThrow(JobError);
    const outcome = await lost.done;
    expect(outcome).toMatchObject({ status: "failed", error: { name: "KeyError", message: "'key'" } });
    const own = await client.run(() => sell.enqueue());
    expect(await own.done).toMatchObject({
      status: "failed",
      error: { name: "OutOfStock", message: "('no apples', 3)" },
    });
  });

  it("waits for a task that Python tries again", async () => {
    expect(await (await client.run(() => patience.enqueue())).result(wait)).toBe(2);
  });

  it("delays a call by what it says", async () => {
    const startMs = performance.now();
    expect(await (await client.run(() => add.with({ delay: "1s" }).enqueue(1, 1))).result(wait)).toBe(2);
    expect(performance.now() - startMs).toBeGreaterThan(900);
  });

  it("runs a chain with members of both kinds", async () => {
    const chained = await client.run(() => chain(add.call(1, 2), multiply.withResult(10), add.withResult(5)).enqueue());
    expect(await chained.result(wait)).toBe(35);
  });

  it.runIf(hasChords)("runs groups and chords with members of both kinds", async () => {
    const grouped = await client.run(() => group([add.call(1, 1), multiply.call(3, 3)]).enqueue());
    expect(await grouped.result(wait)).toEqual([2, 9]);
    const parts = [add.call(1, 1), multiply.call(2, 2), add.call(3, 3)] as const;
    const joined = await client.run(() => chord([...parts], total.withResult()).enqueue());
    expect(await joined.result(wait)).toBe(12);
  });

  it.runIf(hasChords)("fails the body of a chord when a part fails", async () => {
    const job = await client.run(() => chord([multiply.call(1, 1), missing.call("key")], total.withResult()).enqueue());
    expect(await job.done).toMatchObject({ status: "failed", error: { code: "chord_part_failed" } });
  });

  it("gives Python the trace where its tracers look for it", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const send = (message: unknown): void => void ((message as JobMessage).meta["traceparent"] = traceparent);
    subscribe("afterword:job:added", send);
    const job = await client.run(() => trace.enqueue());
    unsubscribe("afterword:job:added", send);
    expect(await job.result(wait)).toBe(traceparent);
  });

  it.runIf(!hasChords)("says at the call that nobody can count the parts of a group, and what mends it", async () => {
    const refused = { code: "unsupported", message: expect.stringContaining('results: "redis://') };
    await expect(client.run(() => group([add.call(1, 1), add.call(2, 2)]).enqueue())).rejects.toMatchObject(refused);
    await expect(
      client.run(() => chord([add.call(1, 1), multiply.call(2, 2)], total.withResult()).enqueue()),
    ).rejects.toMatchObject(refused);
  });

  it("shares one queue between workers of both kinds, and runs every task once", async () => {
    const numbers = Array.from({ length: 120 }, (_, number) => number);
    const jobs = await client.run(() => Promise.all(numbers.map((number) => where.enqueue(number))));
    const results = await Promise.all(jobs.map((job) => job.result(wait)));
    expect(results.map(([, number]) => number)).toEqual(numbers);
    expect(new Set(results.map(([kind]) => kind))).toEqual(new Set(["python", "typescript"]));
  });

  it("lets Python call TypeScript in every way that Celery has", async () => {
    const answers = JSON.parse(await startPython(["shop_calls.py"], python()).result(60_000)) as Record<
      string,
      unknown
    >;
    expect(answers).toEqual({
      send_task: 42,
      keywords: "Hi, Ada!",
      retried: 3,
      "type error": ["TypeError", "no function"],
      "value error": ["ValueError", "too much"],
      "own error": ["OutOfStock", "no apples"],
      unknown: "NotRegistered",
      delayed: [6, true],
      expired: ["TaskRevokedError", "expired"],
      chain: 31,
      group: [2, 9],
      trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "chain from there": 11,
      ...(hasChords && {
        "chord, body here": 11,
        "chord, body there": 11,
        // Celery tells the error of the part, if it has that before the body's.
        "chord that fails": expect.stringMatching(/^(Exception|ChordError)$/),
      }),
    });
  });
}
