import type { JobDependencies, NewJob, TaskLimits } from "../../tasks/job.ts";

/** What of a job is looked at only when it is handed out or ends, which stores keep as one JSON: equal for most jobs of a task. */
export interface JobSettings extends Pick<NewJob, "attempts" | "backoff" | "keepResultMs" | "keepFailedMs"> {
  readonly timeoutMs?: number | undefined;
  /** How long it waits, if it does: counted anew when what it comes after has ended. */
  readonly delayMs?: number | undefined;
  readonly limits?: TaskLimits | undefined;
  readonly after?: JobDependencies | undefined;
}

export function toSettings(job: NewJob): JobSettings {
  const { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs, delayMs, limits, after } = job;
  const delay = delayMs > 0 ? { delayMs } : {};
  return { attempts, backoff, keepResultMs, keepFailedMs, timeoutMs, ...delay, limits, after };
}

const parsed = new Map<string, JobSettings>();

/** Settings are parsed once as long as they are equal; there are few. */
export function parseSettings(text: string): JobSettings {
  let settings = parsed.get(text);
  if (settings === undefined) {
    if (parsed.size >= 500) parsed.clear();
    parsed.set(text, (settings = JSON.parse(text) as JobSettings));
  }
  return settings;
}

/** The notes of a job; most have none. */
export function parseMeta(text: string): Readonly<Record<string, string>> {
  return text === "{}" ? {} : (JSON.parse(text) as Record<string, string>);
}
