import { HTTPException } from "../internal/http-exception.ts";
import type { Broker, JobFilter } from "../tasks/broker.ts";
import { jobStatuses, type Job, type JobStatus } from "../tasks/job.ts";
import { errorKey } from "./error-groups.ts";
import type { JobViews } from "./job-view.ts";

/** What to look for, as it stands in the address of a page. */
export interface Search {
  readonly filter: JobFilter;
  /** A kind of error, by {@link errorKey}. */
  readonly error: string | undefined;
}

/** The names of what can be looked for. `q` is a text in arguments, error or id. */
const names = ["status", "queue", "task", "key", "q", "error"] as const;

/** A part of what was found. */
export interface Found {
  readonly jobs: readonly Job[];
  readonly next: string | undefined;
}

/** @throws {HTTPException} 422 for a status that does not exist, or what is no text */
export function toSearch(fields: Readonly<Record<string, unknown>>): Search {
  const values: Partial<Record<(typeof names)[number], string>> = {};
  for (const name of names) {
    const value = fields[name];
    if (value === undefined || value === "" || value === null) continue;
    if (typeof value !== "string") throw new HTTPException(422, `${name} must be a text.`);
    values[name] = value;
  }
  const statuses = values.status?.split(",") as JobStatus[] | undefined;
  const wrong = statuses?.find((status) => !jobStatuses.includes(status));
  if (wrong !== undefined)
    throw new HTTPException(422, `There is no status ${JSON.stringify(wrong)}. There are ${jobStatuses.join(", ")}.`);
  const { queue, task, key: uniqueKey, q: text, error } = values;
  return { filter: { statuses, queue, task, uniqueKey, text }, error };
}

/** Looks at one part of what a broker has: as much as it looks through at once. */
export async function search(
  broker: Broker,
  views: JobViews,
  { filter, error }: Search,
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
): Promise<Found> {
  const { jobs, next } = await broker.list({ filter, limit, after });
  const { text } = filter;
  return {
    jobs: jobs.filter(
      (job) =>
        (error === undefined || (job.error !== undefined && errorKey(job.error) === error)) &&
        (text === undefined || !views.hides || isSeen(job, text, views)),
    ),
    next,
  };
}

/** A search must not tell what the mask hides. */
function isSeen(job: Job, text: string, views: JobViews): boolean {
  return views.argsText(job).includes(text) || job.id.includes(text) || (job.error?.message.includes(text) ?? false);
}
