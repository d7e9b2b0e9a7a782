import type { JobDependencies, NewJob } from "../../tasks/job.ts";
import { toSettings } from "../pulled/job-settings.ts";
import { clean } from "./core.ts";
import { toEngineName } from "./engine-name.ts";

/** A job that is to be stored. */
export interface JobInsert {
  readonly job: NewJob;
  /** The name of pg-boss's queue. */
  readonly name: string;
  readonly uniqueKey: string | undefined;
  readonly after: JobDependencies | undefined;
}

export function toInsert(job: NewJob): JobInsert {
  const { uniqueKey, after, queue, task, limits } = job;
  return {
    job,
    name: toEngineName(queue, limits && task),
    uniqueKey: uniqueKey === undefined ? undefined : clean(uniqueKey),
    after,
  };
}

/** The row of a job, as JSON for `json_to_recordset`. */
export function toRowText({ job, name, uniqueKey, after }: JobInsert, isPart: boolean): string {
  const { id, priority, delayMs, attempts } = job;
  return JSON.stringify({
    id,
    name,
    priority,
    attempts,
    delay: after ? 0 : delayMs,
    keep: toSeconds(job.keepResultMs),
    key: uniqueKey,
    blocked: after !== undefined,
    blocking: isPart,
    expires: job.expiresMs,
    data: {
      task: clean(job.task),
      args: clean(job.args),
      ...(hasKeys(job.meta) && { meta: cleanMeta(job.meta) }),
      options: { ...toSettings(job), after },
    },
  });
}

/** pg-boss keeps jobs for seconds, and one of 0 forever. */
export function toSeconds(ms: number): number {
  return Math.min(2_147_483_647, Math.max(1, Math.ceil(ms / 1_000)));
}

function hasKeys(meta: NewJob["meta"]): boolean {
  for (const _ in meta) return true;
  return false;
}

function cleanMeta(meta: NewJob["meta"]): NewJob["meta"] {
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [clean(key), clean(value)]));
}
