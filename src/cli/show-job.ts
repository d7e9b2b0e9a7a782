import { formatDuration } from "../internal/duration.ts";
import type { Job } from "../tasks/job.ts";
import { formatWhen } from "./table.ts";

/** Everything about a job, for people. */
export function showJob(job: Job, now: number = Date.now()): string {
  const tookMs = job.startedAt !== undefined && job.endedAt !== undefined ? job.endedAt - job.startedAt : undefined;
  const lines: [string, string | undefined][] = [
    ["id", job.id],
    ["task", job.task],
    ["status", job.status + (job.reason === undefined ? "" : ` (${job.reason})`)],
    ["queue", `${job.queue}, priority ${job.priority}`],
    ["attempt", `${job.attempt} of ${job.attempts}${job.deliveries > 1 ? `, handed out ${job.deliveries} times` : ""}`],
    ["arguments", job.args],
    ["unique key", job.uniqueKey],
    ["stored", when(job.storedAt, now)],
    [
      "may run",
      job.status === "scheduled"
        ? job.runAt === undefined
          ? "when the jobs it waits for have succeeded"
          : when(job.runAt, now)
        : undefined,
    ],
    ["waits for", job.after && job.status === "scheduled" ? job.after.ids.join(" ") : undefined],
    [
      "started",
      job.startedAt === undefined ? undefined : `${when(job.startedAt, now)}, by worker ${job.worker ?? "?"}`,
    ],
    [
      "ended",
      job.endedAt === undefined
        ? undefined
        : when(job.endedAt, now) + (tookMs === undefined ? "" : `, after ${formatDuration(tookMs)}`),
    ],
    ["request", job.meta.requestId],
    ["schedule", job.meta.schedule],
    [
      "progress",
      job.progress && `${job.progress.value}${job.progress.note === undefined ? "" : ` (${job.progress.note})`}`,
    ],
    ["result", job.result],
  ];
  const text = lines.filter(([, value]) => value !== undefined).map(([title, value]) => `${title.padEnd(11)}${value}`);
  for (const { at, line } of job.log) text.push(`log        ${new Date(at).toISOString()} ${line}`);
  for (const failure of job.failures)
    text.push(
      "",
      `Attempt ${failure.attempt} failed ${when(failure.at, now)}:`,
      indent(failure.stack ?? `${failure.name}: ${failure.message}`),
    );
  const { error } = job;
  if (error && !job.failures.some(({ message }) => message === error.message))
    text.push(
      "",
      `Failed${error.code === undefined ? "" : ` with code ${error.code}`}:`,
      indent(error.stack ?? `${error.name}: ${error.message}`),
    );
  return text.join("\n");
}

function when(at: number, now: number): string {
  return `${new Date(at).toISOString()} (${formatWhen(at, now)})`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
