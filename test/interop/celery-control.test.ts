import { hostname } from "node:os";
import { Client, remoteTask } from "afterword";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { celery } from "afterword/celery";
import { encodeControlRequest, type ControlRequest } from "../../src/celery/control.ts";
import { endChildren, startChild, type ChildApp } from "../support/child-app.ts";
import { endPythons, startPython, type PythonProcess } from "../support/python.ts";
import { waitUntil } from "../support/wait-until.ts";
import { openControlWire, type ControlWire, type EventWatch } from "./control-wire.ts";
import { fleetPlaces, pythonEnv, type FleetPlace, type OpenPlace } from "./fleet-places.ts";

const fixtures = new URL("fixtures/", import.meta.url);
const ours = `ours@${hostname()}`;

const resize = remoteTask<[image: string, width: number], string>("images.resize", { queue: "images" });
const hold = remoteTask<[image: string], string>("images.hold", { queue: "images" });
const broken = remoteTask<[]>("images.break", { queue: "images", attempts: 1 });
const again = remoteTask<[], number>("images.again", { queue: "images", attempts: 2 });
const nap = remoteTask<[seconds: number], number>("proj.nap", { queue: "python" });

// What is known of results does not matter for control: where all can ask is enough.
for (const place of fleetPlaces(11).filter(({ hasChords }) => hasChords))
  place.describe(`a worker of ours among Celery's, on ${place.name}`, { timeout: 90_000 }, () =>
    describeControl(place),
  );

function describeControl({ open }: FleetPlace): void {
  let place: OpenPlace;
  let wire: ControlWire;
  let redis: Redis;
  let client: Client;

  beforeAll(async () => {
    place = await open();
    wire = await openControlWire(place);
    redis = new Redis(place.results);
    client = new Client({ broker: celery(place.url, place.options) });
  }, 120_000);
  beforeEach(async () => {
    await wire.reset();
    await redis.flushdb();
    await client.open();
  });
  afterEach(async () => {
    await endChildren();
    await endPythons();
  });
  afterAll(async () => {
    await client?.close();
    redis?.disconnect();
    await wire?.close();
    await place?.close();
  }, 60_000);

  async function startWorker(name = "ours", queue = "images"): Promise<ChildApp> {
    const args = [place.url, name, queue, JSON.stringify(place.options)];
    const worker = startChild(new URL("control-worker.ts", fixtures), { args });
    await worker.line(/^started \d+$/m);
    await waitUntil(() => wire.hears(`${name}@${hostname()}`), { withinMs: 10_000 });
    return worker;
  }

  function pidOf(worker: ChildApp): number {
    return Number(/^started (\d+)$/m.exec(worker.stdout)![1]);
  }

  /** Asks with the command line of Celery. What the nodes reply, by their names. */
  async function celerySays(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const python = python3("-m", "celery", "-A", "proj", ...args);
    const output = await python.result();
    try {
      const replies = JSON.parse(output) as Record<string, unknown> | Record<string, unknown>[];
      return Object.assign({}, ...(Array.isArray(replies) ? replies : [replies])) as Record<string, unknown>;
    } catch {
      throw new Error(`celery ${args.join(" ")} answered:\n${python.output}`);
    }
  }

  function python3(...args: readonly string[]): PythonProcess {
    return startPython(args, { cwd: fixtures, env: pythonEnv(place) });
  }

  const inspect = async (...args: readonly string[]): Promise<unknown> =>
    (await celerySays("inspect", "--json", "-t", "15", "-d", ours, ...args))[ours];
  const control = async (...args: readonly string[]): Promise<unknown> =>
    (await celerySays("control", "--json", "-t", "15", "-d", ours, ...args))[ours];

  /** Asks as any program may. */
  async function publish(request: Partial<ControlRequest>): Promise<void> {
    await wire.publish(encodeControlRequest({ method: "ping", arguments: {}, ...request }));
  }

  async function resultOf(id: string): Promise<{ readonly status?: string }> {
    return JSON.parse((await redis.get(`celery-task-meta-${id}`)) ?? "{}") as { readonly status?: string };
  }

  const watchEvents = (): Promise<EventWatch> => wire.watchEvents();

  it("answers what celery inspect asks", async () => {
    const worker = await startWorker();
    const pid = pidOf(worker);
    const running = await hold.enqueue("cat.jpg");
    const later = await resize.with({ delay: "1h" }).enqueue("dog.jpg", 300);
    await worker.line(/^holds /m);
    const [first, ...others] = await Promise.all([inspect("ping"), inspect("active"), inspect("scheduled")]);
    expect(first).toEqual({ ok: "pong" });
    const [active, scheduled] = others;
    expect(active).toEqual([
      {
        id: running.id,
        name: "images.hold",
        args: ["cat.jpg"],
        kwargs: {},
        type: "images.hold",
        hostname: ours,
        time_start: expect.closeTo(Date.now() / 1_000, -2),
        acknowledged: false,
        delivery_info: { exchange: "", routing_key: "images", priority: expect.any(Number), redelivered: false },
        worker_pid: pid,
      },
    ]);
    // On RabbitMQ it is between queues, where nobody can look.
    if (place.node !== undefined) expect(scheduled).toEqual([]);
    else
      expect(scheduled).toMatchObject([
        { eta: expect.stringMatching(/^20/), request: { id: later.id, args: ["dog.jpg", 300] } },
      ]);
    const [registered, stats, queues] = await Promise.all([
      inspect("registered"),
      inspect("stats"),
      inspect("active_queues"),
    ]);
    expect(registered).toEqual(["images.again", "images.break", "images.hold", "images.resize"]);
    expect(stats).toMatchObject({
      total: { "images.hold": 1 },
      pid: pid,
      pool: { "max-concurrency": 4, processes: [pid] },
      broker: wire.place,
    });
    expect(queues).toMatchObject([{ name: "images", routing_key: "images", exchange: { type: "direct" } }]);
    const [reserved, revoked, conf] = await Promise.all([inspect("reserved"), inspect("revoked"), inspect("conf")]);
    expect([reserved, revoked]).toEqual([[], []]);
    expect(conf).toMatchObject({ task_queues: ["images"], worker_concurrency: 4 });
    const [clock, report, query] = await Promise.all([
      inspect("clock"),
      inspect("report"),
      inspect("query_task", running.id, "unknown"),
    ]);
    expect(clock).toEqual({ clock: expect.any(Number) });
    expect(report).toEqual({ ok: expect.stringMatching(/afterword:\d/) });
    expect(query).toEqual({ [running.id]: ["active", expect.objectContaining({ id: running.id, worker_pid: pid })] });
  });

  it("answers what a dashboard asks, all at once", async () => {
    const worker = await startWorker();
    const running = await hold.enqueue("cat.jpg");
    await worker.line(/^holds /m);
    const answers = JSON.parse(await python3("dashboard.py", ours, running.id).result());
    expect(answers).toMatchObject({
      ping: [{ [ours]: { ok: "pong" } }],
      stats: { [ours]: { pool: { "max-concurrency": 4 } } },
      active: { [ours]: [{ id: running.id }] },
      active_queues: { [ours]: [{ name: "images" }] },
      registered: { [ours]: expect.arrayContaining(["images.hold"]) },
      scheduled: { [ours]: [] },
      reserved: { [ours]: [] },
      revoked: { [ours]: [] },
      conf: { [ours]: { worker_concurrency: 4 } },
      query_task: { [ours]: { [running.id]: ["active", { id: running.id }] } },
    });
  });

  it("aborts a running job that celery control terminates", async () => {
    const { events, end } = await watchEvents();
    const worker = await startWorker();
    await control("enable_events");
    const [job, other] = await Promise.all([hold.enqueue("cat.jpg"), hold.enqueue("dog.jpg")]);
    await worker.line(new RegExp(`^holds ${job.id}`, "m"));
    await worker.line(new RegExp(`^holds ${other.id}`, "m"));
    expect(await control("terminate", "SIGTERM", job.id)).toEqual({ ok: `terminate: ${job.id}` });
    await worker.line(new RegExp(`^aborted ${job.id}`, "m"));
    await waitUntil(async () => (await resultOf(job.id)).status === "REVOKED");
    expect(await job.status()).toBe("canceled");
    expect(worker.stdout).not.toContain(`aborted ${other.id}`);
    await python3("-c", `from proj import app; app.control.revoke("${other.id}", terminate=True)`).result();
    await worker.line(new RegExp(`^aborted ${other.id}`, "m"));
    await waitUntil(async () => (await resultOf(other.id)).status === "REVOKED");
    expect(await inspect("revoked")).toEqual([job.id, other.id]);
    expect(await control("terminate", "SIGTERM", other.id)).toEqual({ ok: "terminate: tasks unknown" });
    await waitUntil(() => events.filter(({ type }) => type === "task-revoked").length === 2);
    expect(events.find(({ type }) => type === "task-revoked")?.fields).toEqual({
      uuid: job.id,
      terminated: true,
      signum: 15,
      expired: false,
    });
    end();
  });

  it("aborts a running job that another worker of ours was told to terminate", async () => {
    const worker = await startWorker();
    await startWorker("other", "others");
    const job = await hold.enqueue("cat.jpg");
    await worker.line(/^holds /m);
    const args = { task_id: [job.id], terminate: true };
    await publish({ method: "revoke", arguments: args, destination: [`other@${hostname()}`] });
    await worker.line(/^aborted /m);
  });

  it("lets a running job go on that is revoked, and runs none that waits", async () => {
    const worker = await startWorker();
    const running = await hold.enqueue("cat.jpg");
    await worker.line(/^holds /m);
    // Python has to start before it is due.
    const waiting = await resize.with({ delay: "15s" }).enqueue("dog.jpg", 300);
    expect(await control("revoke", running.id, waiting.id)).toEqual({
      ok: `tasks ${running.id}, ${waiting.id} flagged as revoked`,
    });
    await waitUntil(async () => (await waiting.status()) === "canceled");
    await waitUntil(async () => (await wire.waiting("images")) === 0, { withinMs: 40_000 });
    worker.tell("go on");
    expect(await running.result({ timeout: "10s" })).toBe("cat.jpg");
    expect(await inspect("stats")).toMatchObject({ total: { "images.hold": 1 } });
    expect(await inspect("stats")).not.toHaveProperty(["total", "images.resize"]);
    expect(worker.stdout).not.toContain("aborted");
  });

  it("remembers what is revoked for workers that start later", async () => {
    await startWorker("other", "others");
    const waiting = await resize.enqueue("cat.jpg", 300);
    await publish({ method: "revoke", arguments: { task_id: waiting.id } });
    await waitUntil(async () => (await redis.exists(`afterword-revoked-${waiting.id}`)) === 1);
    await startWorker();
    await waitUntil(async () => (await wire.waiting("images")) === 0, { withinMs: 20_000 });
    await expect(waiting.result({ timeout: "10s" })).rejects.toMatchObject({ code: "canceled" });
  });

  it("tells celery events of itself, and of its tasks when it is asked to", async () => {
    const { events, end } = await watchEvents();
    const dump = python3("-m", "celery", "-A", "proj", "events", "--dump");
    await startWorker();
    await dump.prints(new RegExp(`${ours} .*heartbeat`));
    await (await resize.enqueue("quiet.jpg", 1)).result({ timeout: "10s" });
    expect(await control("enable_events")).toEqual({ ok: "task events enabled" });
    expect(await control("enable_events")).toEqual({ ok: "task events already enabled" });
    const one = await resize.enqueue("cat's.jpg", 300);
    const two = await broken.enqueue();
    const three = await again.enqueue();
    await one.result({ timeout: "10s" });
    await expect(two.result({ timeout: "10s" })).rejects.toThrow("no such width");
    await three.result({ timeout: "10s" });
    await waitUntil(() => events.filter(({ type }) => type === "task-succeeded").length === 2);
    await dump.prints(/task succeeded: images\.resize\(/);
    expect(await control("disable_events")).toEqual({ ok: "task events disabled" });
    await (await resize.enqueue("quiet.jpg", 1)).result({ timeout: "10s" });
    await inspect("ping");
    const of = (id: string): unknown[] =>
      events.filter(({ fields }) => fields.uuid === id).map(({ type, fields }) => [type, fields]);
    expect(of(one.id)).toMatchObject([
      ["task-received", { name: "images.resize", args: "('cat\\'s.jpg', 300)", kwargs: "{}", retries: 0 }],
      ["task-started", {}],
      ["task-succeeded", { result: "'cat\\'s.jpg@300'", runtime: expect.any(Number) }],
    ]);
    expect(of(two.id)).toMatchObject([
      ["task-received", {}],
      ["task-started", {}],
      ["task-failed", { exception: "ValueError('no such width')", traceback: expect.stringContaining("RangeError") }],
    ]);
    expect((of(three.id) as string[][]).map(([type]) => type)).toEqual([
      "task-received",
      "task-started",
      "task-retried",
      "task-received",
      "task-started",
      "task-succeeded",
    ]);
    expect(events.filter(({ type }) => type.startsWith("task-")).map(({ fields }) => fields.uuid)).not.toContain(
      undefined,
    );
    expect(new Set(events.map(({ fields }) => fields.uuid).filter((id) => id !== undefined))).toEqual(
      new Set([one.id, two.id, three.id]),
    );
    expect(events.find(({ type }) => type === "worker-online")).toMatchObject({
      hostname: ours,
      fields: { freq: 2, active: 0, sw_ident: "afterword" },
    });
    const clocks = events.filter(({ hostname: from }) => from === ours).map(({ clock }) => clock);
    expect(clocks).toEqual(clocks.toSorted((a, b) => a - b));
    end();
  });

  it("says goodbye, and leaves no trace", async () => {
    const { events, end } = await watchEvents();
    const worker = await startWorker();
    expect(await wire.hears(ours)).toBe(true);
    worker.signal("SIGTERM");
    await worker.exit();
    await waitUntil(() => events.some(({ type }) => type === "worker-offline"));
    expect(await wire.hears(ours)).toBe(false);
    expect(await redis.exists("afterword-nodes")).toBe(0);
    end();
  });

  it("hears again when its connection was lost", async () => {
    await startWorker();
    await wire.cut();
    const answers = await wire.replies("asker");
    await waitUntil(
      async () => {
        await publish({ replyTo: { exchange: "reply.celery.pidbox", routingKey: "asker" }, ticket: "t" });
        return (await answers()).length > 0;
      },
      { withinMs: 20_000 },
    );
    expect(await answers()).toContainEqual({ [ours]: { ok: "pong" } });
  });

  it("answers requests that it is meant by, and is harmed by none", async () => {
    const worker = await startWorker();
    const [mine, theirs] = [await wire.replies("mine"), await wire.replies("theirs")];
    const silent = { replyTo: { exchange: "reply.celery.pidbox", routingKey: "theirs" }, ticket: "t" };
    await publish({ ...silent, destination: ["somebody@else"] });
    await publish({ ...silent, pattern: "some*", matcher: "glob" });
    await publish({ ...silent, pattern: "(", matcher: "pcre" });
    await publish({ ...silent, expiresAt: Date.now() - 1 });
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '{"body": 1}',
      '{"body": "bm9uZQ==", "properties": {"delivery_tag": "t"}}',
    ])
      await wire.publishText(text);
    for (const body of [{}, { method: 1 }, { method: "ping", destination: 1 }, { method: "ping", reply_to: "nobody" }])
      await wire.publish({
        headers: {},
        properties: { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2 },
        body: Buffer.from(JSON.stringify(body)),
      });
    const loud = { replyTo: { exchange: "reply.celery.pidbox", routingKey: "mine" }, ticket: "t" };
    await publish({ ...loud, method: "revoke", arguments: { task_id: 5 } });
    await publish({ ...loud, method: "nonsense" });
    await publish({ ...loud, pattern: "our*", matcher: "glob", expiresAt: Date.now() + 60_000 });
    await waitUntil(async () => (await mine()).length === 3);
    const answers = await mine();
    expect(answers).toContainEqual({ [ours]: { ok: "pong" } });
    expect(answers).toContainEqual({ [ours]: { error: expect.stringContaining('no command "nonsense"') } });
    expect(answers).toContainEqual({ [ours]: { error: expect.stringContaining("task_id must be") } });
    expect(await theirs()).toEqual([]);
    expect(worker.complaints).toEqual([]);
  });

  it("says what it does not do", async () => {
    await startWorker();
    const answers = await wire.replies("asker");
    const methods: readonly (readonly [string, ControlRequest["arguments"]])[] = [
      ["rate_limit", { task_name: "images.hold", rate_limit: "1/m" }],
      ["time_limit", { task_name: "images.hold", hard: 1 }],
      ["pool_grow", { n: 1 }],
      ["pool_shrink", { n: 1 }],
      ["pool_restart", {}],
      ["autoscale", { max: 2, min: 1 }],
      ["shutdown", {}],
      ["election", { id: "e", topic: "t" }],
      ["revoke_by_stamped_headers", { headers: { a: "b" } }],
    ];
    for (const [method, args] of methods)
      await publish({ method, arguments: args, replyTo: { exchange: "reply.celery.pidbox", routingKey: "asker" } });
    await waitUntil(async () => (await answers()).length === methods.length);
    for (const answer of await answers())
      expect(answer).toEqual({ [ours]: { error: expect.stringMatching(/^(A|The) .{20,}/) } });
  });

  it("stops and starts to serve a queue", async () => {
    const worker = await startWorker();
    expect(await control("cancel_consumer", "images")).toEqual({ ok: "no longer consuming from images" });
    expect(await control("add_consumer", "more")).toEqual({ ok: "add consumer more" });
    const waiting = await resize.enqueue("cat.jpg", 300);
    const served = await resize.with({ queue: "more" }).enqueue("dog.jpg", 300);
    expect(await served.result({ timeout: "10s" })).toBe("dog.jpg@300");
    expect(await waiting.status()).toBe("queued");
    expect(await inspect("active_queues")).toMatchObject([{ name: "more" }]);
    await control("add_consumer", "images");
    expect(await waiting.result({ timeout: "10s" })).toBe("cat.jpg@300");
    expect(worker.complaints).toEqual([]);
  });

  it("greets workers of Celery, and stops their tasks when a job is canceled", async () => {
    await startWorker();
    const python = python3(
      "-m",
      "celery",
      "-A",
      "proj",
      "worker",
      "-Q",
      "python",
      "-c",
      "1",
      "-n",
      "py@%h",
      "-l",
      "INFO",
    );
    await python.prints(/py@\S+ ready/, 60_000);
    await python.prints(/sync with 1 nodes/);
    const job = await nap.enqueue(300);
    await python.prints(new RegExp(`Task proj.nap\\[${job.id}\\] received`));
    await waitUntil(async () => (await resultOf(job.id)).status === "STARTED");
    await job.cancel("not needed");
    await python.prints(/Terminating/);
    await waitUntil(async () => (await resultOf(job.id)).status === "REVOKED", {
      withinMs: 20_000,
    });
    const pongs = await celerySays("inspect", "--json", "-t", "5", "ping");
    expect(Object.keys(pongs).toSorted()).toEqual([ours, `py@${hostname()}`].toSorted());
    expect(python.output).not.toMatch(/Traceback/);
    await python.end("SIGTERM");
  });
}
