import { toJobInfo } from "../tasks/job-info.ts";
import type { Job } from "../tasks/job.ts";
import type { FlowView, JobDetail, JobSummary } from "./dashboard-types.ts";
import type { Mask, MaskContext } from "./options.ts";

/** So many characters of the arguments stand in a list. */
const maxArgs = 160;
const maxNote = 300;

/** Jobs as people may see them. */
export class JobViews {
  readonly #mask: Mask | undefined;

  constructor(mask: Mask | undefined) {
    this.#mask = mask;
  }

  /** Whether some values are not shown as they are. */
  get hides(): boolean {
    return this.#mask !== undefined;
  }

  summary(job: Job): JobSummary {
    return {
      ...common(job),
      args: cut(this.argsText(job), maxArgs),
      note: noteOf(job),
      progress: job.progress?.value,
    };
  }

  detail(job: Job, flow: FlowView | undefined): JobDetail {
    const { result } = toJobInfo(job);
    return {
      ...common(job),
      args: this.args(job),
      result: job.result === undefined ? undefined : this.#shown(result, "result", job),
      hasResult: job.result !== undefined,
      error: job.error,
      reason: job.reason,
      failures: job.failures,
      progress: job.progress,
      log: job.log,
      meta: job.meta,
      deliveries: job.deliveries,
      timeoutMs: job.timeoutMs,
      expiresAt: job.expiresAt,
      keepMs: job.status === "failed" ? job.keepFailedMs : job.keepResultMs,
      worker: job.worker,
      flow,
    };
  }

  args(job: Job): unknown {
    return this.#shown(toJobInfo(job).args, "args", job);
  }

  /** The arguments in one line, as they are shown. */
  argsText(job: Job): string {
    if (this.#mask === undefined) return job.args;
    const text: string | undefined = JSON.stringify(this.args(job));
    return text ?? "";
  }

  #shown(value: unknown, field: MaskContext["field"], { id, task, queue }: Job): unknown {
    if (this.#mask === undefined) return value;
    try {
      return this.#mask(value, { field, id, task, queue });
    } catch (error) {
      // What could not be masked is not shown.
      console.error(`The mask of dashboard() threw for the ${field} of job ${id} of task "${task}":`, error);
      return "hidden: the mask threw";
    }
  }
}

function common(job: Job): Omit<JobSummary, "args" | "note" | "progress"> {
  const { id, task, queue, status, attempt, attempts, priority, uniqueKey } = job;
  const { storedAt, runAt, startedAt, endedAt } = job;
  return {
    id,
    task,
    queue,
    status,
    attempt,
    attempts,
    priority,
    uniqueKey,
    storedAt,
    runAt,
    startedAt,
    endedAt,
  };
}

function noteOf({ status, error, reason, failures, progress }: Job): string | undefined {
  const ofStatus =
    status === "running" ? progress?.note : status === "succeeded" ? undefined : failures.at(-1)?.message;
  const note = error?.message ?? reason ?? ofStatus;
  return note === undefined ? undefined : cut(note, maxNote);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}
