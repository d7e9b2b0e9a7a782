import { isJsonObject, type JsonObject, type JsonValue } from "../../celery/json.ts";
import type { TaskMessage } from "../../celery/message.ts";
import { exponential, isBackoff } from "../../tasks/retry.ts";
import type { NewJob } from "../../tasks/job.ts";
import { findTask } from "../../tasks/registry.ts";
import { definitionOf } from "../../tasks/task-definition.ts";
import { toTraceHeaders, withTraceHeaders } from "../carried/trace-headers.ts";
import { parseMeta, parseSettings, toSettings, type JobSettings } from "../pulled/job-settings.ts";

/** What only our own workers read. Celery passes on headers that it does not know. */
const settingsHeader = "afterword";
const metaHeader = "afterword_meta";
const argsHeader = "afterword_args";

export function toJobHeaders(job: NewJob): JsonObject {
  const settings = JSON.stringify({ ...toSettings(job), delayMs: undefined, after: undefined, limits: undefined });
  return {
    [settingsHeader]: settings,
    ...toTraceHeaders(job.meta),
    ...(Object.keys(job.meta).length > 0 && { [metaHeader]: JSON.stringify(job.meta) }),
    ...(parseArguments(job.args) === undefined && { [argsHeader]: job.args }),
  };
}

/** The arguments of a job; `undefined` for a text that is no JSON array, which only our own workers are given. */
export function parseArguments(text: string): readonly JsonValue[] | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a program of ours has made it, or the signature that it was made of. */
export function isOwnMessage({ headers }: TaskMessage): boolean {
  return typeof headers[settingsHeader] === "string";
}

/** The text of the arguments, where they could not be said otherwise. */
export function readOddArguments({ headers }: TaskMessage): string | undefined {
  const text = headers[argsHeader];
  return typeof text === "string" ? text : undefined;
}

const foreign: JobSettings = {
  attempts: 1,
  backoff: exponential(),
  keepResultMs: 86_400_000,
  keepFailedMs: 14 * 86_400_000,
};

/** How a job is run: as its sender says, or as the task is defined here when its sender does not know that. */
export function readSettings({ task, headers, timeLimitMs }: TaskMessage): JobSettings {
  const text = headers[settingsHeader];
  if (typeof text === "string") {
    try {
      const settings: unknown = parseSettings(text);
      if (isSettings(settings)) return settings;
    } catch {
      // Somebody else's header of that name.
    }
  }
  const known = findTask(task);
  const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs } = known ? definitionOf(known).config : foreign;
  return { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs: timeLimitMs ?? timeoutMs };
}

export function readMeta({ headers }: TaskMessage): Readonly<Record<string, string>> {
  return withTraceHeaders(readOwnMeta(headers), headers);
}

function readOwnMeta(headers: JsonObject): Readonly<Record<string, string>> {
  const text = headers[metaHeader];
  if (typeof text !== "string") return {};
  try {
    const meta: unknown = parseMeta(text);
    return isJsonObject(meta) && Object.values(meta).every((note) => typeof note === "string")
      ? (meta as Record<string, string>)
      : {};
  } catch {
    return {};
  }
}

function isSettings(value: unknown): value is JobSettings {
  if (!isJsonObject(value)) return false;
  const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs } = value;
  return (
    Number.isSafeInteger(attempts) &&
    isBackoff(backoff) &&
    [keepResultMs, keepFailedMs, timeoutMs ?? 0].every((ms) => typeof ms === "number" && ms >= 0)
  );
}
