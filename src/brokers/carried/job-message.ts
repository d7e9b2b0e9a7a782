import { decodeTaskMessage } from "../../celery/decode-message.ts";
import { formatIsoTime, parseIsoTime } from "../../celery/iso-time.ts";
import type { ReceivedMessage, TaskMessage, WireMessage } from "../../celery/message.ts";
import { UndecodableMessage } from "../../celery/undecodable-message.ts";
import { exponential } from "../../tasks/retry.ts";
import type { Backoff, FailedAttempt, JobErrorData, NewJob } from "../../tasks/job.ts";
import { findTask } from "../../tasks/registry.ts";
import { definitionOf } from "../../tasks/task-definition.ts";
import { parseMeta, parseSettings, toSettings } from "../pulled/job-settings.ts";
import type { CarriedJob } from "./carried-job.ts";
import { cutError, cutFailures } from "./cut-errors.ts";
import { toTraceHeaders, withTraceHeaders } from "./trace-headers.ts";

/** The headers of ours, beside Celery's. Their values are texts: tables of AMQP cannot say everything that JSON can. */
const settingsHeader = "afterword";
const stateHeader = "afterword_state";
const metaHeader = "afterword_meta";
const uniqueKeyHeader = "afterword_unique_key";
const errorHeader = "afterword_error";

/** The end of the body of every message that we send: no keyword arguments, and nothing that follows. */
const bodyEnd = ',{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]';

/** AMQP allows no longer time for a message; what is kept longer is kept until somebody removes it. */
const maxExpirationMs = 2 ** 32 - 1;
const maxPropertyBytes = 255;
/** What is larger does not fit into a message any more with something added. */
const maxForeignHeaderBytes = 32_000;

/** What differs from the job as it was stored. */
interface CarriedState {
  readonly deliveries?: number;
  readonly epoch?: number;
  readonly failures?: readonly FailedAttempt[];
}

/**
 * The message of a job: one of Celery's version 2, with headers of ours. Those that would say nothing are left out: each costs as
 * much as the body, for us and for the server.
 */
export function encodeJob(carried: CarriedJob, error?: JobErrorData): WireMessage {
  const { job, attempt, expiresAt, notBefore } = carried;
  const { id, task } = job;
  const headers: Record<string, string | number | (number | null)[]> = {
    lang: "ts",
    task,
    id,
    retries: attempt - 1,
    [settingsHeader]: JSON.stringify({ ...toSettings(job), delayMs: undefined }),
    ...toTraceHeaders(job.meta),
  };
  if (notBefore !== undefined) headers.eta = formatIsoTime(notBefore);
  if (expiresAt !== undefined) headers.expires = formatIsoTime(expiresAt);
  if (job.timeoutMs !== undefined) headers.timelimit = [Math.ceil(job.timeoutMs / 1_000), null];
  const state = stateOf(carried);
  if (state !== undefined) headers[stateHeader] = JSON.stringify(state);
  if (Object.keys(job.meta).length > 0) headers[metaHeader] = JSON.stringify(job.meta);
  if (job.uniqueKey !== undefined) headers[uniqueKeyHeader] = job.uniqueKey;
  if (error !== undefined) headers[errorHeader] = JSON.stringify(cutError(error));
  return {
    headers,
    properties: {
      contentType: "application/json",
      contentEncoding: "utf-8",
      deliveryMode: 2,
      ...(Buffer.byteLength(id) <= maxPropertyBytes && { correlationId: id }),
      ...(error !== undefined &&
        hasExpiration(job.keepFailedMs) && { expiration: String(Math.round(job.keepFailedMs)) }),
    },
    body: Buffer.from(`[${job.args}${bodyEnd}`),
  };
}

/** A message that cannot be run, as it came, with what is wrong with it. */
export function withReason(content: ReceivedMessage, error: JobErrorData): WireMessage {
  const { contentType, contentEncoding, correlationId } = content.properties ?? {};
  const headers = content.headers as WireMessage["headers"] | undefined;
  return {
    headers: { ...(isShort(headers) && headers), [errorHeader]: JSON.stringify(cutError(error)) },
    properties: {
      contentType: toText(contentType, "application/json"),
      contentEncoding: toText(contentEncoding, "utf-8"),
      deliveryMode: 2,
      ...(typeof correlationId === "string" && { correlationId }),
    },
    body: Buffer.from(content.body),
  };
}

function isShort(headers: WireMessage["headers"] | undefined): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(headers ?? {})) <= maxForeignHeaderBytes;
  } catch {
    // They are nested more deeply than anybody can say.
    return false;
  }
}

/**
 * The job that a message carries: one of ours, or one that a program of Celery's has sent.
 *
 * @throws {UndecodableMessage} only, whatever the message holds
 */
export function decodeJob(content: ReceivedMessage, queue: string, priority: number): CarriedJob {
  const headers = content.headers as Readonly<Record<string, unknown>> | undefined;
  const settings = headers?.[settingsHeader];
  if (!isOwn(content)) return toForeignJob(decodeTaskMessage(content), queue, priority);
  try {
    return decodeOwn(content, headers!, settings as string, queue, priority);
  } catch (error) {
    if (error instanceof UndecodableMessage) throw error;
    throw new UndecodableMessage("invalid_headers", `A header of the message is broken: ${String(error)}.`, {
      cause: error,
    });
  }
}

/** Whether a program of ours has sent it. */
export function isOwn({ headers }: ReceivedMessage): boolean {
  return typeof (headers as Readonly<Record<string, unknown>> | undefined)?.[settingsHeader] === "string";
}

function decodeOwn(
  content: ReceivedMessage,
  headers: Readonly<Record<string, unknown>>,
  settings: string,
  queue: string,
  priority: number,
): CarriedJob {
  const { id, task, retries, eta, expires } = headers;
  if (typeof id !== "string" || typeof task !== "string" || id === "" || task === "")
    throw new UndecodableMessage("invalid_headers", "The message has no id or names no task.");
  const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs, limits, after } = parseSettings(settings);
  if (typeof attempts !== "number" || typeof backoff !== "object")
    throw new UndecodableMessage("invalid_headers", `The header ${settingsHeader} does not say what it should.`);
  const state = parseState(headers[stateHeader]);
  const meta = headers[metaHeader];
  const uniqueKey = headers[uniqueKeyHeader];
  return {
    job: {
      id,
      task,
      queue,
      args: argsOf(content),
      priority,
      delayMs: 0,
      expiresMs: undefined,
      uniqueKey: typeof uniqueKey === "string" ? uniqueKey : undefined,
      attempts,
      backoff,
      timeoutMs: timeoutMs ?? undefined,
      limits,
      keepResultMs,
      keepFailedMs,
      after,
      meta: withTraceHeaders(typeof meta === "string" ? parseMeta(meta) : {}, headers),
    },
    attempt: Number.isInteger(retries) && (retries as number) >= 0 ? (retries as number) + 1 : 1,
    deliveries: state.deliveries ?? 0,
    epoch: state.epoch ?? 0,
    expiresAt: parseIsoTime(toText(expires, "")),
    notBefore: parseIsoTime(toText(eta, "")),
    failures: state.failures ?? [],
  };
}

function hasExpiration(keepMs: unknown): boolean {
  return typeof keepMs === "number" && keepMs <= maxExpirationMs;
}

function parseState(text: unknown): CarriedState {
  return typeof text === "string" ? (JSON.parse(text) as CarriedState) : {};
}

function stateOf({ deliveries, epoch, failures }: CarriedJob): CarriedState | undefined {
  if (deliveries === 0 && epoch === 0 && failures.length === 0) return undefined;
  return { deliveries, epoch, ...(failures.length > 0 && { failures: cutFailures(failures) }) };
}

/** The text of the arguments. A body of ours is not parsed here: who runs the job does it. */
function argsOf(content: ReceivedMessage): string {
  const text = Buffer.from(content.body.buffer, content.body.byteOffset, content.body.byteLength).toString();
  if (text.startsWith("[") && text.endsWith(bodyEnd)) return text.slice(1, -bodyEnd.length);
  return toArgs(decodeTaskMessage(content));
}

/** Keyword arguments become one object behind the others. */
function toArgs({ args, kwargs }: TaskMessage): string {
  return JSON.stringify(Object.keys(kwargs).length > 0 ? [...args, kwargs] : args);
}

const foreign: Pick<NewJob, "attempts" | "backoff" | "keepResultMs" | "keepFailedMs"> & { timeoutMs: undefined } = {
  attempts: 1,
  backoff: exponential() as Backoff,
  keepResultMs: 86_400_000,
  keepFailedMs: 14 * 86_400_000,
  timeoutMs: undefined,
};

/** Who sends from elsewhere does not know the options of the task: those of its definition count. */
function toForeignJob(message: TaskMessage, queue: string, priority: number): CarriedJob {
  const task = findTask(message.task);
  const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs } = task ? definitionOf(task).config : foreign;
  return {
    job: {
      id: message.id,
      task: message.task,
      queue,
      args: toArgs(message),
      priority,
      delayMs: 0,
      expiresMs: undefined,
      uniqueKey: undefined,
      attempts,
      backoff,
      timeoutMs: message.timeLimitMs ?? timeoutMs,
      limits: undefined,
      keepResultMs,
      keepFailedMs,
      after: undefined,
      meta: withTraceHeaders({}, message.headers),
    },
    attempt: message.retries + 1,
    deliveries: 0,
    epoch: 0,
    expiresAt: message.expires,
    notBefore: message.eta,
    failures: [],
  };
}

function toText(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
