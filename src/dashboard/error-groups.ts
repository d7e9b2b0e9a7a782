import type { Job, JobErrorData } from "../tasks/job.ts";
import type { ErrorGroup } from "./dashboard-types.ts";

const maxKey = 200;

/** The same for errors that differ in numbers, ids and quoted names only: `Order 17 not found` and `Order 18 not found`. */
export function errorKey({ name, code, message }: JobErrorData): string {
  const kind = message
    .slice(0, 500)
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, "…")
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "…")
    .replace(/[\da-f]*\d[\da-f]*/gi, "…")
    .replace(/\s+/g, " ");
  return `${name}${code === undefined ? "" : ` [${code}]`}: ${kind}`.slice(0, maxKey);
}

/** Failed jobs by task and kind of error, the most frequent first. */
export function groupErrors(jobs: readonly Job[]): readonly ErrorGroup[] {
  const groups = new Map<string, { -readonly [K in keyof ErrorGroup]: ErrorGroup[K] }>();
  for (const { id, task, error, endedAt } of jobs) {
    if (error === undefined) continue;
    const key = errorKey(error);
    const known = groups.get(`${task}\n${key}`);
    if (known === undefined) {
      const { name, code, message } = error;
      const first = { key, task, name, code, message: message.slice(0, 1_000), count: 1, newestId: id };
      groups.set(`${task}\n${key}`, { ...first, firstAt: endedAt, lastAt: endedAt });
      continue;
    }
    known.count++;
    if (endedAt === undefined) continue;
    known.firstAt = Math.min(known.firstAt ?? endedAt, endedAt);
    known.lastAt = Math.max(known.lastAt ?? endedAt, endedAt);
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count);
}
