import { formatDuration } from "../internal/duration.ts";

/** What `onError` of a worker is told beside the error. */
export interface JobReport {
  /** What failed: an attempt of a job, or the conversation with the broker. */
  readonly kind: "job" | "broker";
  /** The id of the job; `undefined` for the other kind. */
  readonly id: string | undefined;
  /** The name of the task, or of the broker. */
  readonly name: string;
  /** The attempt that failed, counted from 1; 0 for the other kind. */
  readonly attempt: number;
  /** How many attempts the job has. */
  readonly attempts: number;
  /** Milliseconds until the next attempt; `undefined` if there is none. */
  readonly retryInMs: number | undefined;
}

/** Writes one trouble to stderr, for people. */
export function writeJobReport(error: unknown, report: JobReport): void {
  if (report.kind === "broker") return console.error(`Trouble with the broker ${report.name}:`, error);
  const { name, id, attempt, attempts, retryInMs } = report;
  const next =
    retryInMs === undefined
      ? `It is kept as failed: afterword tasks show ${id}`
      : `The next attempt is in ${formatDuration(retryInMs)}`;
  console.error(`Job "${name}" failed, attempt ${attempt} of ${attempts} (id ${id}). ${next}:`, error);
}
