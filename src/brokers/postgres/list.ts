import type { JobFilter, JobPage } from "../../tasks/broker.ts";
import type { Core } from "./core.ts";
import { isKept, jobColumns, statusOf, toJob, type JobRow } from "./job-row.ts";

export interface ListRequest {
  readonly filter: JobFilter;
  readonly limit: number;
  readonly after?: string | undefined;
}

/**
 * So many jobs of each queue are looked at for one page, at most. What is rare is not found on the first page then, which
 * may even be empty, and the search goes on with the next: whoever searches does not stop those who work.
 */
const scannedAtOnce = 5_000;

interface ListRow extends JobRow {
  /** Where the next page begins, when this is the last of a page: when it was stored, to the microsecond, and its id. */
  readonly place: string;
}

const placeOf = "to_char(j.created_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') || '/' || j.id";
const newestFirst = "ORDER BY j.created_on DESC, j.id DESC";

/** Newest first. */
export async function list(core: Core, { filter, limit, after }: ListRequest): Promise<JobPage> {
  const { own, jobs } = core.tables;
  const start = after?.split("/") ?? ["infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
  const values: unknown[] = [...start, filter.queue ?? null];
  // Those that run are few, and pg-boss has an index of them.
  const isRunningOnly = filter.statuses?.length === 1 && filter.statuses[0] === "running";
  const conditions = conditionsOf(filter, values);
  values.push(limit + 1);
  const wanted = `$${values.length}`;
  // Queue by queue, from pg-boss's index by name and instant, and no further than to the last that is wanted.
  const rows = await core.rows<ListRow>(
    `SELECT ${jobColumns}, ${placeOf} AS place FROM ${own}.queues q CROSS JOIN LATERAL (
       SELECT * FROM (
         SELECT * FROM ${jobs} j WHERE j.name = q.name AND (j.created_on, j.id) < ($1::timestamptz, $2::uuid)
         ${isRunningOnly ? "AND j.state = 'active'" : `${newestFirst} LIMIT ${scannedAtOnce}`}) j
       WHERE ${[isKept, ...conditions].join(" AND ")} ${newestFirst} LIMIT ${wanted}) j
     LEFT JOIN ${own}.notes n ON n.job = j.id
     WHERE ($3::text IS NULL OR q.queue = $3) ${newestFirst} LIMIT ${wanted}`,
    ...values,
  );
  const floor = isRunningOnly ? undefined : await floorOf(core, values.slice(0, 3), rows[limit]?.place);
  // What one queue was not searched for, the others are not listed for either.
  const found = floor === undefined ? rows : rows.filter(({ place }) => place >= floor);
  if (found.length > limit) return { jobs: found.slice(0, limit).map(toJob), next: found[limit - 1]!.place };
  return { jobs: found.map(toJob), next: floor };
}

/** The place of the last job that was looked at in the queue that was not looked through so far; `undefined` if all were. */
async function floorOf(core: Core, start: readonly unknown[], until: string | undefined): Promise<string | undefined> {
  const { own, jobs } = core.tables;
  const [row] = await core.rows<{ place: string }>(
    `SELECT ${placeOf} AS place FROM ${own}.queues q CROSS JOIN LATERAL (
       SELECT created_on, id FROM ${jobs} j WHERE j.name = q.name AND (j.created_on, j.id) < ($1::timestamptz, $2::uuid)
       AND j.created_on >= $4::timestamptz ${newestFirst} OFFSET ${scannedAtOnce - 1} LIMIT 1) j
     WHERE ($3::text IS NULL OR q.queue = $3) ${newestFirst} LIMIT 1`,
    ...start,
    until?.split("/")[0] ?? "-infinity",
  );
  return row?.place;
}

function conditionsOf({ statuses, task, uniqueKey, text }: JobFilter, values: unknown[]): string[] {
  const conditions: string[] = [];
  const add = (value: unknown, condition: (parameter: string) => string): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  add(statuses && JSON.stringify(statuses), (all) => `${statusOf} IN (SELECT json_array_elements_text(${all}::json))`);
  add(task, (name) => `j.data ->> 'task' = ${name}`);
  add(uniqueKey, (key) => `j.singleton_key = ${key}`);
  add(
    text,
    (part) =>
      `(strpos(j.data ->> 'args', ${part}) > 0 OR strpos(j.id::text, ${part}) > 0 OR strpos(j.output ->> 'message', ${part}) > 0)`,
  );
  return conditions;
}
