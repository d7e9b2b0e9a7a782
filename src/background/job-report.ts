import { formatDuration } from "../internal/duration.ts";
import type { Log } from "../internal/log.ts";

/** What `onError` of a worker is told beside the error. */
export interface JobReport {
  /** What failed: an attempt of a job, the conversation with the broker, or a worker thread that ran no job. */
  readonly kind: "job" | "broker" | "thread";
  /** The id of the job; `undefined` for the other kinds. */
  readonly id: string | undefined;
  /** The name of the task, of the broker, or of the thread. */
  readonly name: string;
  /** The attempt that failed, counted from 1; 0 for the other kinds. */
  readonly attempt: number;
  /** How many attempts the job has. */
  readonly attempts: number;
  /** Milliseconds until the next attempt; `undefined` if there is none. */
  readonly retryInMs: number | undefined;
  /** The queue of the job. */
  readonly queue?: string | undefined;
  /** The request that added the job. */
  readonly requestId?: string | undefined;
}

/** Writes one trouble to the log. */
export function logJobReport(log: Log, error: unknown, report: JobReport): void {
  const { kind, name, id, queue, attempt, attempts, retryInMs, requestId } = report;
  if (kind === "broker") return log.error(`Trouble with the broker ${name}`, { err: error, kind, broker: name });
  if (kind === "thread")
    return log.error(`A ${name} ended by an error, while it ran no job`, { err: error, kind, thread: name });
  const fields = { err: error, kind, task: name, jobId: id, queue, attempt, attempts, retryInMs, requestId };
  const message = `Job "${name}" failed, attempt ${attempt} of ${attempts} (id ${id}).`;
  if (retryInMs === undefined) log.error(`${message} It is kept as failed: afterword tasks show ${id}`, fields);
  else log.retry(`${message} The next attempt is in ${formatDuration(retryInMs)}`, fields);
}
