import { BackgroundTasks, chain, chord, currentTask, exponential, group, task } from "afterword";
import { afterAll, describe, expect, test } from "vitest";
import type {
  BackgroundAnswer,
  ChangeAnswer,
  CountAnswer,
  DashboardInfo,
  DeadAnswer,
  JobDetail,
  JobsPage,
  QueuesAnswer,
  ScheduleView,
  WorkerView,
} from "../../src/dashboard/dashboard-types.ts";
import { dropTemplate } from "../brokers/postgres-setup.ts";
import { createGate } from "../support/gate.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { ablePlaces, openStage, onSqlite, type Stage } from "./setup.ts";

keepTidy();
afterAll(dropTemplate);

const greet = task("dashboard.greet", async (name: string) => {
  currentTask().progress(0.5, "half of it");
  currentTask().log(`greeting ${name}`);
  return { hello: name };
});
/** Fails as long as it is told to. */
const shaky = { isBroken: true };
const fragile = task(
  "dashboard.fragile",
  { attempts: 2, backoff: exponential({ base: "1ms" }), queue: "mail" },
  async (order: number) => {
    if (shaky.isBroken) throw Object.assign(new RangeError(`Order ${order} is out of stock`), { code: "no_stock" });
    return order;
  },
);
const later = task("dashboard.later", async (_what: string) => {});

/** A busy machine takes long to count, and a dashboard pauses a hundred times as long. */
const patience = { withinMs: 60_000 };

async function list(stage: Stage, query: string): Promise<JobsPage> {
  const { status, body } = await stage.get<JobsPage>(`jobs?${query}`);
  expect(status).toBe(200);
  return body;
}

describe.each(ablePlaces)("the dashboard's API on $name", { timeout: 90_000 }, (kind) => {
  kind.describe("with its server", () => {
    test("counts the jobs of each queue, and finds them by state, queue, task, text, id and unique key", async () => {
      shaky.isBroken = true;
      await using stage = await openStage(kind);
      const good = await greet.with({ uniqueKey: "the-key" }).enqueue("Ada <b>");
      const bad = await fragile.enqueue(17);
      const waiting = await later.with({ delay: "1h" }).enqueue("tomorrow");
      await stage.reached("succeeded", good.id);
      await stage.reached("failed", bad.id);
      await waitUntil(async () => {
        const { body } = await stage.get<QueuesAnswer>("queues");
        const [byDefault, mail] = body.queues;
        return byDefault?.succeeded === 1 && byDefault.scheduled === 1 && mail?.failed === 1;
      }, patience);
      const ids = async (query: string): Promise<string[]> => (await list(stage, query)).jobs.map(({ id }) => id);
      expect(await ids("")).toEqual([waiting.id, bad.id, good.id]);
      expect(await ids("status=failed")).toEqual([bad.id]);
      expect(await ids("status=failed,scheduled")).toEqual([waiting.id, bad.id]);
      expect(await ids("queue=mail")).toEqual([bad.id]);
      expect(await ids("task=dashboard.later")).toEqual([waiting.id]);
      expect(await ids("q=Ada")).toEqual([good.id]);
      expect(await ids("q=out+of+stock")).toEqual([bad.id]);
      expect(await ids(`q=${waiting.id}`)).toEqual([waiting.id]);
      expect(await ids("error=RangeError+[no_stock]:+Order+…+is+out+of+stock")).toEqual([bad.id]);
      expect(await ids("q=nothing-like-it")).toEqual([]);
      const { jobs, next } = await list(stage, "limit=1");
      expect(jobs.map(({ id }) => id)).toEqual([waiting.id]);
      expect(await ids(`limit=1&after=${encodeURIComponent(next!)}`)).toEqual([bad.id]);
    });

    test("shows everything of one job", async () => {
      shaky.isBroken = true;
      await using stage = await openStage(kind);
      stage.app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => ({ id: tasks.addTask(greet, "Ada").id }));
      const response = await fetch(stage.server.url, { method: "POST" });
      const { id } = (await response.json()) as { id: string };
      const bad = await fragile.enqueue(17);
      await stage.reached("succeeded", id);
      await stage.reached("failed", bad.id);
      const { body: good } = await stage.get<JobDetail>(`jobs/${id}`);
      expect(good).toMatchObject({
        task: "dashboard.greet",
        args: ["Ada"],
        result: { hello: "Ada" },
        status: "succeeded",
        attempt: 1,
        progress: { value: 0.5, note: "half of it" },
        log: [{ line: "greeting Ada" }],
      });
      expect(good.meta.requestId).toBeTypeOf("string");
      expect(good.endedAt! >= good.startedAt! && good.startedAt! >= good.storedAt).toBe(true);
      const { body: failed } = await stage.get<JobDetail>(`jobs/${bad.id}`);
      expect(failed.error).toMatchObject({ name: "RangeError", code: "no_stock", message: "Order 17 is out of stock" });
      expect(failed.error!.stack).toContain("api.test.ts");
      expect(failed.failures.map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(failed.failures[0]!.stack).toContain("api.test.ts");
      const missing = await stage.get<{ detail: string }>("jobs/0198f0c2-0000-7000-8000-000000000000");
      expect([missing.status, missing.body.detail]).toEqual([404, expect.stringContaining("There is no such job")]);
    });

    test("shows the flow of a job from each of its jobs, with what each waits for", async () => {
      await using stage = await openStage(kind, { app: { worker: false } });
      const flow = chain(greet.call("Ada"), group(later.call("left"), later.call("right")), later.call("last"));
      const { id } = await flow.enqueue();
      const { body } = await stage.get<JobDetail>(`jobs/${id}`);
      const [first, left, right] = body.flow!.parts.map((part) => part.id);
      const isFirst = { id: first, task: "dashboard.greet", status: "queued", after: [] };
      expect(body.flow).toEqual({
        parts: [
          isFirst,
          { id: left, task: "dashboard.later", status: "scheduled", after: [first] },
          { id: right, task: "dashboard.later", status: "scheduled", after: [first] },
          { id, task: "dashboard.later", status: "scheduled", after: [left, right] },
        ],
        isCut: false,
      });
      for (const other of [first, left, right])
        expect((await stage.get<JobDetail>(`jobs/${other}`)).body.flow).toEqual(body.flow);
      const alone = await later.enqueue("alone");
      expect((await stage.get<JobDetail>(`jobs/${alone.id}`)).body.flow).toBeUndefined();
      await stage.post("jobs/remove", { ids: [id] });
      expect((await stage.get<JobDetail>(`jobs/${first}`)).body.flow!.parts).toEqual([isFirst, { id, after: [] }]);
    });

    test("shows the end of a flow that has a great many jobs", async () => {
      await using stage = await openStage(kind, { app: { worker: false } });
      const flow = chord(
        Array.from({ length: 150 }, (_, index) => later.call(`${index}`)),
        later.call("all"),
      );
      const { id } = await flow.enqueue();
      const { body } = await stage.get<JobDetail>(`jobs/${id}`);
      expect([body.flow!.parts.length, body.flow!.isCut]).toEqual([100, true]);
      expect(body.flow!.parts.at(-1)!.id).toBe(id);
    });

    test("groups failed jobs by error, and retries all of one kind", async () => {
      shaky.isBroken = true;
      await using stage = await openStage(kind);
      const jobs = [await fragile.enqueue(1), await fragile.enqueue(2), await fragile.enqueue(33)];
      const ids = jobs.map(({ id }) => id);
      await stage.reached("failed", ...ids);
      const { body: dead } = await stage.get<DeadAnswer>("dead");
      expect(dead.groups).toMatchObject([
        {
          key: "RangeError [no_stock]: Order … is out of stock",
          task: "dashboard.fragile",
          count: 3,
          newestId: ids[2],
        },
      ]);
      const filter = { status: "failed", error: dead.groups[0]!.key };
      const { body: counted } = await stage.post<CountAnswer>("jobs/count", { filter });
      expect(counted.count).toBe(3);
      shaky.isBroken = false;
      const { body: changed } = await stage.post<ChangeAnswer>("jobs/retry", { filter });
      expect(changed).toMatchObject({ changed: 3, skipped: 0 });
      await stage.reached("succeeded", ...ids);
    });

    test("retries, cancels and deletes single jobs, and says which could not be", async () => {
      await using stage = await openStage(kind, { app: { worker: false } });
      const [one, two] = [await later.enqueue("one"), await later.enqueue("two")];
      expect((await stage.post("jobs/retry", { ids: [one.id] })).body).toEqual({ changed: 0, skipped: 1 });
      expect((await stage.post("jobs/cancel", { ids: [one.id, "no-such-id"] })).body).toEqual({
        changed: 1,
        skipped: 1,
      });
      expect((await stage.get<JobDetail>(`jobs/${one.id}`)).body).toMatchObject({
        status: "canceled",
        reason: "canceled on the dashboard",
      });
      expect((await stage.post("jobs/retry", { ids: [one.id] })).body).toEqual({ changed: 1, skipped: 0 });
      expect((await stage.post("jobs/remove", { ids: [one.id, two.id] })).body).toEqual({ changed: 2, skipped: 0 });
      expect((await list(stage, "")).jobs).toEqual([]);
    });

    test("holds a queue and lets it go on", async () => {
      await using stage = await openStage(kind);
      expect((await stage.post("queues/default/pause")).status).toBe(204);
      const { id } = await greet.enqueue("Ada");
      await waitUntil(async () => {
        const { body } = await stage.get<QueuesAnswer>("queues");
        return body.queues.some(({ queue, isPaused, queued }) => queue === "default" && isPaused && queued === 1);
      }, patience);
      expect((await stage.post("queues/default/resume")).status).toBe(204);
      await stage.reached("succeeded", id);
    });

    test("shows workers with what they run", async () => {
      const gate = createGate();
      const held = task(`dashboard.held ${kind.name}`, async () => gate.opened);
      await using stage = await openStage(kind);
      const { id } = await held.enqueue();
      await waitUntil(async () => {
        const { body } = await stage.get<readonly WorkerView[]>("workers");
        return body.some((worker) => worker.slots === 4 && worker.jobs.some((job) => job.id === id));
      }, patience);
      gate.open();
      await stage.reached("succeeded", id);
    });

    test("shows schedules, pauses them, and runs one now", async () => {
      await using stage = await openStage(kind);
      stage.app.schedule(`nightly`, "0 3 * * *", greet, ["by night"], { timezone: "Europe/Berlin" });
      await waitUntil(async () => (await stage.get<readonly ScheduleView[]>("schedules")).body.length === 1);
      const { body: before } = await stage.get<readonly ScheduleView[]>("schedules");
      expect(before).toMatchObject([
        { name: "nightly", cron: "0 3 * * *", timezone: "Europe/Berlin", isPaused: false, canRunNow: true },
      ]);
      expect(before[0]!.nextTickAt! - Date.now()).toBeLessThanOrEqual(25 * 3_600_000);
      expect((await stage.post("schedules/nightly/pause")).status).toBe(204);
      expect((await stage.get<readonly ScheduleView[]>("schedules")).body[0]).toMatchObject({ isPaused: true });
      expect((await stage.post("schedules/nightly/resume")).status).toBe(204);
      const { body } = await stage.post<{ id: string }>("schedules/nightly/run");
      await stage.reached("succeeded", body.id);
      const { body: job } = await stage.get<JobDetail>(`jobs/${body.id}`);
      expect(job).toMatchObject({ args: ["by night"], meta: { schedule: "nightly" } });
      expect((await stage.post("schedules/unknown/run")).status).toBe(404);
    });

    test("tells of samples and changes while they happen", async () => {
      await using stage = await openStage(kind);
      const response = await fetch(`${stage.url}api/events`);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const read = (async () => {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          text += value;
        }
      })();
      await waitUntil(() => text.includes("event: hello"));
      const { id } = await greet.enqueue("Ada");
      await waitUntil(() => text.includes("event: changed") && /"succeeded":1,/.test(text), {
        ...patience,
        what: "a change and a sample with it were told",
      });
      await stage.reached("succeeded", id);
      await reader.cancel();
      await read;
    });
  });
});

describe("the dashboard's API", () => {
  test("shows the background tasks of the app that mounts it", async () => {
    const gate = createGate();
    await using stage = await openStage(onSqlite);
    stage.app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function writeAudit() {
        throw new Error("disk full");
      });
      tasks.addTask(function rebuild() {
        return gate.opened;
      });
      tasks.addTask(function last() {});
    });
    await fetch(stage.server.url);
    await waitUntil(async () => (await stage.get<BackgroundAnswer>("background")).body.running.length === 1);
    const { body } = await stage.get<BackgroundAnswer>("background");
    expect(body).toMatchObject({
      waiting: 1,
      running: [{ name: "rebuild" }],
      failures: [{ name: "writeAudit", error: { message: "disk full" } }],
    });
    expect(body.failures[0]!.error!.stack).toContain("api.test.ts");
    gate.open();
    await waitUntil(async () => (await stage.get<BackgroundAnswer>("background")).body.ended === 3);
  });

  test("says what is wrong with a request", async () => {
    await using stage = await openStage(onSqlite);
    const detail = async (path: string): Promise<unknown> => {
      const { status, body } = await stage.get<{ detail: unknown }>(path);
      return [status, body.detail];
    };
    expect(await detail("jobs?status=broken")).toEqual([422, expect.stringContaining('no status "broken"')]);
    expect(await detail("jobs?limit=100000")).toEqual([422, expect.stringContaining("from 1 to 200")]);
    const wrong = await stage.post<{ detail: string }>("jobs/retry", { ids: "all" });
    expect([wrong.status, wrong.body.detail]).toEqual([422, expect.stringContaining("ids must be an array")]);
    expect((await stage.post("jobs/retry", { filter: { q: 17 } })).status).toBe(422);
    expect((await stage.post("jobs/retry", [])).status).toBe(422);
  });

  test("does not offer to store jobs: enqueue() outside of a request goes to the app's broker", async () => {
    await using stage = await openStage(onSqlite, { broker: (await onSqlite.create()).broker });
    const { id } = await greet.enqueue("Ada");
    await stage.reached("succeeded", id);
    expect((await stage.get<DashboardInfo>("info")).body).toMatchObject({ broker: "sqlite", hasBackground: true });
    expect((await list(stage, "")).jobs).toEqual([]);
  });
});
