import type { JobFilter, JobPage } from "../../tasks/broker.ts";
import { finalStatuses, type FinalStatus, type Job } from "../../tasks/job.ts";
import type { JobRecord } from "./job-record.ts";

/** So much of what matches, in the order in which it comes. */
export function findPage(records: Iterable<JobRecord>, filter: JobFilter, limit: number): JobPage {
  const jobs: Job[] = [];
  for (const record of records) {
    if (!matches(record, filter)) continue;
    if (jobs.length === limit) return { jobs, next: jobs.at(-1)?.id };
    jobs.push(record.toJob());
  }
  return { jobs, next: undefined };
}

function matches(record: JobRecord, { statuses, queue, task, uniqueKey, text }: JobFilter): boolean {
  return (
    (statuses === undefined || statuses.includes(record.status)) &&
    (queue === undefined || record.queue.name === queue) &&
    (task === undefined || record.task === task) &&
    (uniqueKey === undefined || record.uniqueKey === uniqueKey) &&
    (text === undefined || hasText(record, text))
  );
}

function hasText({ id, args, error }: JobRecord, text: string): boolean {
  return args.includes(text) || id.includes(text) || (error?.message.includes(text) ?? false);
}

/** Which ended jobs to forget. */
export interface PurgeFilter {
  readonly statuses: readonly FinalStatus[];
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly olderThanMs?: number | undefined;
}

/** Those of them that have ended and match. */
export function findEnded(
  records: Iterable<JobRecord>,
  { statuses, queue, task, olderThanMs = 0 }: PurgeFilter,
  now: number,
): JobRecord[] {
  const wanted = finalStatuses.filter((status) => statuses.includes(status));
  const found: JobRecord[] = [];
  for (const record of records)
    if (matches(record, { statuses: wanted, queue, task }) && record.endedAt! <= now - olderThanMs) found.push(record);
  return found;
}
