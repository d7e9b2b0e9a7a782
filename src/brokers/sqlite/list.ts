import type { JobFilter } from "../../tasks/broker.ts";
import { isFinal, jobStatuses, type JobStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import type { Value } from "./database.ts";
import { selectEnded, selectJobs, type JobRow } from "./job-row.ts";

export interface ListRequest {
  readonly filter: JobFilter;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** A part of a list, as rows: they cross from the thread. */
export interface ListRows {
  readonly rows: readonly JobRow[];
  readonly next: string | undefined;
}

/**
 * So many jobs are looked at for one page, at most. What is rare is not found on the first page then, which may even be
 * empty, and the search goes on with the next: whoever searches does not stop those who work.
 */
export const scannedAtOnce = 20_000;

/** Where the jobs of some states are. What is the whole table has no condition, and is read by id. */
interface Source {
  readonly table: "jobs" | "ended";
  readonly states: readonly JobStatus[];
  /** What an index holds that has them by their ids. */
  readonly condition: string;
}

const open = jobStatuses.filter((status) => !isFinal(status));
const ended = jobStatuses.filter(isFinal);

/** Newest first by their ids, out of both tables. */
export function list(core: Core, { filter, limit, after }: ListRequest): ListRows {
  const sources = [
    ...sourcesOf("jobs", open, filter.statuses ?? open),
    ...sourcesOf("ended", ended, filter.statuses ?? ended),
  ];
  const conditions = conditionsOf(filter);
  const floors = sources.map((source) => floorOf(core, source, conditions, after));
  // What one of them was not searched for, the others are not listed for either.
  const floor = floors.reduce((highest, each) => (each > highest ? each : highest), "");
  const rows = sources
    .flatMap((source) => select(core, source, conditions, limit + 1, after, floor))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  if (rows.length > limit) return { rows: rows.slice(0, limit), next: rows[limit - 1]!.id };
  return { rows, next: floor === "" ? undefined : floor };
}

/** Running, scheduled and unsuccessful jobs can be few among many: they have indexes. */
function sourcesOf(table: Source["table"], all: readonly JobStatus[], wanted: readonly JobStatus[]): Source[] {
  const states = all.filter((status) => wanted.includes(status));
  if (states.length === all.length) return [{ table, states, condition: "" }];
  return states.map((state) => ({ table, states: [state], condition: conditionOf(state) }));
}

function conditionOf(state: JobStatus): string {
  if (state === "queued" || state === "succeeded") return "";
  return isFinal(state) ? `state = '${state}' AND state <> 'succeeded'` : `state = '${state}'`;
}

interface Condition {
  readonly sql: (table: Source["table"]) => string;
  readonly values: (table: Source["table"]) => readonly Value[];
}

/** With a plus before a column SQLite uses no index for it: what is read by id needs no sorting. */
function conditionsOf({ queue, task, uniqueKey, text }: JobFilter): readonly Condition[] {
  const conditions: Condition[] = [];
  const equal = (column: string, value: string | undefined): void => {
    if (value !== undefined) conditions.push({ sql: () => `+${column} = ?`, values: () => [value] });
  };
  equal("queue", queue);
  equal("task", task);
  if (uniqueKey !== undefined) conditions.push({ sql: () => "unique_key = ?", values: () => [uniqueKey] });
  if (text !== undefined)
    conditions.push({
      sql: (table) =>
        `(instr(args, ?) OR instr(id, ?)${table === "ended" ? " OR instr(error ->> '$.message', ?)" : ""})`,
      values: (table) => (table === "ended" ? [text, text, text] : [text, text]),
    });
  return conditions;
}

/** The id at which a search of a source ends; empty if it reaches all. */
function floorOf(
  { db }: Core,
  { table, states, condition }: Source,
  conditions: readonly Condition[],
  after: string | undefined,
): string {
  const isWholeTable = condition === "" && states.length > 1;
  const isByKey = conditions.some(({ sql }) => sql(table).startsWith("unique_key"));
  if (isByKey || states[0] === "running" || (conditions.length === 0 && (isWholeTable || condition !== ""))) return "";
  const row = db.get<{ id: string }>(
    `SELECT id FROM afterword_${table} WHERE ${condition || "1"} AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ${scannedAtOnce - 1}`,
    after ?? "g",
  );
  return row?.id ?? "";
}

function select(
  { db }: Core,
  { table, states, condition }: Source,
  conditions: readonly Condition[],
  limit: number,
  after: string | undefined,
  floor: string,
): JobRow[] {
  const isOneOfMany = condition === "" && states.length === 1;
  // Those that run are few, and have no index by their ids.
  const id = states.length === 1 && states[0] === "running" ? "+id" : "id";
  const parts = [
    condition || (isOneOfMany ? "+state = ?" : "1"),
    `${id} < ?`,
    `${id} >= ?`,
    ...conditions.map(({ sql }) => sql(table)),
  ];
  return db.all<JobRow>(
    `${table === "jobs" ? selectJobs : selectEnded} WHERE ${parts.join(" AND ")} ORDER BY ${id} DESC LIMIT ?`,
    ...(isOneOfMany ? [states[0]!] : []),
    // Greater than every UUID.
    after ?? "g",
    floor,
    ...conditions.flatMap(({ values }) => values(table)),
    limit,
  );
}
