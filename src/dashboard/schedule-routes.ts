import { Router } from "../app/router.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { path } from "../params/path.ts";
import type { ScheduleRecord } from "../tasks/broker.ts";
import { nextTick } from "../tasks/cron.ts";
import type { Job, NewJob } from "../tasks/job.ts";
import { assertAble, type Dashboard } from "./dashboard.ts";
import type { ScheduleView } from "./dashboard-types.ts";

/** Schedules: when they were and will be due, and running one now. */
export function scheduleRoutes(dashboard: () => Dashboard): Router {
  const router = new Router({ prefix: "/api" });
  router.get("/schedules", async (): Promise<readonly ScheduleView[]> => {
    const records = await recordsOf(dashboard());
    const ids = records.map(({ lastJobId }) => lastJobId).filter((id) => id !== undefined);
    const jobs = ids.length === 0 ? [] : await dashboard().broker.get({ ids });
    const known = new Map(jobs.map((job) => [job?.id, job]));
    return records.map((record) => toView(record, known.get(record.lastJobId), dashboard()));
  });
  for (const verb of ["pause", "resume"] as const)
    router.post(`/schedules/:name/${verb}`, { status: 204 }, { name: path() }, async ({ name }) => {
      await find(dashboard(), name);
      await dashboard().broker.pauseSchedule({ name, isPaused: verb === "pause" });
      return new Response(null, { status: 204 });
    });
  router.post("/schedules/:name/run", { name: path() }, async ({ name }): Promise<{ readonly id: string }> => {
    const { broker, sampler } = dashboard();
    const record = await find(dashboard(), name);
    const [last] = record.lastJobId === undefined ? [] : await broker.get({ ids: [record.lastJobId] });
    const job = jobNow(record, last, dashboard());
    if (job === undefined)
      throw new HTTPException(
        409,
        `This process does not know the arguments of the schedule "${name}", and its last job is not stored any more. Mount the dashboard in the app that defines the schedule.`,
      );
    const [stored] = await broker.enqueue({ jobs: [job] });
    sampler.forget();
    return { id: stored!.id };
  });
  return router;
}

async function recordsOf({ broker, ...rest }: Dashboard): Promise<readonly ScheduleRecord[]> {
  assertAble(broker.supports.has("schedule"), "has no schedules", { broker, ...rest });
  return broker.schedules();
}

async function find(dashboard: Dashboard, name: string): Promise<ScheduleRecord> {
  const record = (await recordsOf(dashboard)).find((each) => each.name === name);
  if (record === undefined) throw new HTTPException(404, `There is no schedule ${JSON.stringify(name)}.`);
  return record;
}

function toView(record: ScheduleRecord, last: Job | undefined, dashboard: Dashboard): ScheduleView {
  const { name, cron, timezone, task, isPaused, lastTickAt, lastJobId } = record;
  return {
    name,
    cron,
    timezone,
    task,
    isPaused,
    lastTickAt,
    lastJob: lastJobId === undefined ? undefined : { id: lastJobId, task: last?.task, status: last?.status },
    nextTickAt: isPaused ? undefined : dueAfter(cron, timezone),
    canRunNow: jobNow(record, last, dashboard) !== undefined,
  };
}

/** Another version may have stored what this one cannot read. */
function dueAfter(cron: string, timezone: string): number | undefined {
  try {
    return nextTick(cron, timezone, Date.now());
  } catch {
    return undefined;
  }
}

/** As the schedule would store it: from its definition, if that is in this process, else after the model of its last job. */
function jobNow({ name }: ScheduleRecord, last: Job | undefined, { schedules }: Dashboard): NewJob | undefined {
  const known = schedules.find((schedule) => schedule.name === name);
  if (known !== undefined) {
    const job = known.toNewJob(Date.now());
    return { ...job, meta: withoutTick(job.meta) };
  }
  if (last === undefined) return undefined;
  const { task, queue, args, priority, attempts, backoff, timeoutMs, limits, keepResultMs, keepFailedMs } = last;
  return {
    id: createUuidV7(),
    task,
    queue,
    args,
    priority,
    attempts,
    backoff,
    timeoutMs,
    limits,
    keepResultMs,
    keepFailedMs,
    delayMs: 0,
    expiresMs: undefined,
    uniqueKey: last.uniqueKey,
    after: undefined,
    meta: withoutTick(last.meta),
  };
}

function withoutTick(meta: NewJob["meta"]): NewJob["meta"] {
  return Object.fromEntries(Object.entries(meta).filter(([name]) => name !== "tick" && name !== "traceparent"));
}
