import type { DeliveredJob, FailedAttempt, Job, JobErrorData, JobLogLine, JobStatus, NewJob } from "../../tasks/job.ts";
import { parseMeta, parseSettings, toSettings } from "../pulled/job-settings.ts";
import type { Reply } from "./connection.ts";

/** A job as the script's `A.readJobs` takes it: 14 arguments. */
export function toArguments(job: NewJob): (string | number)[] {
  const limits = job.limits && {
    maxRunning: job.limits.maxRunning,
    limit: job.limits.rate?.limit,
    perMs: job.limits.rate?.perMs,
  };
  return [
    job.id,
    toEngineQueue(job),
    job.queue,
    job.task,
    job.args,
    // BullMQ runs the lowest number first, and jobs without one before all others.
    10 - job.priority,
    job.delayMs,
    job.expiresMs ?? "",
    job.uniqueKey ?? "",
    JSON.stringify(toSettings(job)),
    JSON.stringify(job.meta),
    limits === undefined ? "" : JSON.stringify(limits),
    job.after === undefined ? "" : "1",
    job.attempts,
  ];
}

/** A task with limits has a queue of its own in the engine, which is served wherever its queue is. */
function toEngineQueue({ queue, task, limits }: Pick<NewJob, "queue" | "task" | "limits">): string {
  return limits === undefined ? encode(queue) : `${encode(queue)}@${encode(task)}`;
}

/** BullMQ divides its keys by colons. */
function encode(name: string): string {
  return name.replace(/[%:@$]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Of a job that BullMQ stored and nobody has claimed yet. */
const foreignSettings =
  '{"attempts":1,"backoff":{"baseMs":1000,"factor":2,"maxMs":3600000,"jitter":true},"keepResultMs":0,"keepFailedMs":0}';

/** A job out of the fields of its hash, its failures and its log; `undefined` when it is not known. */
export function toJob(reply: Reply): Job | undefined {
  const [id, hash, failures, log] = reply as readonly [string, readonly string[], readonly string[], readonly string[]];
  if (id === undefined) return undefined;
  const fields = new Map<string, string>();
  for (let index = 0; index < hash.length; index += 2) fields.set(hash[index]!, hash[index + 1]!);
  const text = (name: string): string | undefined => fields.get(name);
  const number = (name: string): number | undefined => (fields.has(name) ? Number(fields.get(name)) : undefined);
  const { attempts, backoff, timeoutMs, limits, keepResultMs, keepFailedMs, after } = parseSettings(
    text("settings") ?? foreignSettings,
  );
  const status = (text("state") ?? "queued") as JobStatus;
  const error = text("error");
  return {
    id,
    task: text("name") ?? "",
    queue: text("queue") ?? "",
    args: text("data") ?? "[]",
    priority: 10 - (number("priority") ?? 5),
    uniqueKey: text("uniqueKey"),
    attempts,
    backoff,
    timeoutMs,
    limits,
    keepResultMs,
    keepFailedMs,
    meta: parseMeta(text("meta") ?? "{}"),
    after,
    status,
    attempt: number("attempt") ?? 0,
    deliveries: number("deliveries") ?? 0,
    storedAt: number("timestamp") ?? 0,
    runAt: number("runAt"),
    startedAt: number("startedAt"),
    endedAt: number("finishedOn"),
    expiresAt: number("expiresAt"),
    worker: text("worker"),
    reason: text("reason"),
    result: status === "succeeded" ? text("returnvalue") : undefined,
    error: error === undefined ? undefined : (JSON.parse(error) as JobErrorData),
    failures: failures.map((line) => JSON.parse(line) as FailedAttempt),
    progress: fields.has("progressAt")
      ? { value: Number(text("progress")), note: text("progressNote") || undefined, at: number("progressAt")! }
      : undefined,
    log: log.map(toLogLine),
  };
}

function toLogLine(text: string): JobLogLine {
  const end = text.indexOf(" ");
  return { at: Number(text.slice(0, end)) || 0, line: text.slice(end + 1) };
}

/** A job that a claim gave. */
export function toDelivered(reply: Reply): DeliveredJob {
  const [id, task, queue, args, attempt, settings, deliveries, meta, epoch] = reply as readonly [
    string,
    string,
    string,
    string,
    number,
    string,
    number,
    string,
    number,
  ];
  const { attempts, backoff, timeoutMs } = parseSettings(settings);
  return { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta: parseMeta(meta), epoch };
}
