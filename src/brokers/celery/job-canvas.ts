import { formatIsoTime } from "../../celery/iso-time.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../celery/json.ts";
import { createTaskMessage, type TaskMessage } from "../../celery/message.ts";
import { taskSignature, type Signature, type SignatureOptions } from "../../celery/signature.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { createUuidV7 } from "../../internal/uuid-v7.ts";
import { collectName } from "../../tasks/collect.ts";
import type { NewJob } from "../../tasks/job.ts";
import { parseArguments, toJobHeaders } from "./job-headers.ts";

/** Gives back the list that it is called with: Celery's own worker has it too. */
export const accumulate = "celery.accumulate";

/** What is sent for a batch of jobs. */
export interface Canvas {
  readonly sends: readonly { readonly message: TaskMessage; readonly queue: string }[];
  /** How many parts each chord waits for: to be stored before anything is sent. */
  readonly chords: readonly { readonly groupId: string; readonly size: number }[];
}

/** How a transport counts priorities. */
export type ToPriority = (priority: number) => number;

/** What jobs are written for. */
export interface CanvasTarget {
  readonly toPriority: ToPriority;
  /** Where it goes what is no task of anybody's, but every worker can do. */
  readonly defaultQueue: string;
  /** The queue that answers go to, where results travel in messages. */
  readonly replyTo?: string | undefined;
  readonly nowMs: number;
}

/** A chord that a job is a part of. */
interface Part {
  readonly body: NewJob;
  readonly groupId: string;
  readonly index: number;
}

/**
 * Jobs as Celery's canvas: what one job waits for is a chain or a callback of that job, what many wait for is the body of a chord.
 *
 * @throws {AfterwordError} `unsupported` for what the canvas cannot say
 */
export function toCanvas(jobs: readonly NewJob[], target: CanvasTarget): Canvas {
  const writer = new CanvasWriter(jobs, target);
  const first = jobs.filter(({ after }) => after === undefined);
  return {
    sends: first.map((job) => ({ message: writer.message(job), queue: writer.queueOf(job) })),
    chords: writer.chords,
  };
}

class CanvasWriter {
  readonly chords: { readonly groupId: string; readonly size: number }[] = [];
  readonly #target: CanvasTarget;
  readonly #followers = new Map<string, NewJob[]>();
  readonly #parts = new Map<string, Part>();

  constructor(jobs: readonly NewJob[], target: CanvasTarget) {
    this.#target = target;
    const known = new Set(jobs.map(({ id }) => id));
    for (const job of jobs) if (job.after !== undefined) this.#place(job, job.after.ids, known);
  }

  #place(job: NewJob, ids: readonly string[], known: ReadonlySet<string>): void {
    const stranger = ids.find((id) => !known.has(id));
    if (stranger !== undefined)
      throw unsupported(`Job ${job.id} of task "${job.task}" waits for job ${stranger}, which is not of the same flow`);
    const [first] = ids;
    if (new Set(ids).size < ids.length)
      throw unsupported(`Job ${job.id} of task "${job.task}" waits for one job twice`);
    if (ids.length === 1 && job.after!.pass !== "results") {
      this.#followers.set(first!, [...(this.#followers.get(first!) ?? []), job]);
      return;
    }
    const groupId = createUuidV7();
    this.chords.push({ groupId, size: ids.length });
    for (const [index, id] of ids.entries()) {
      if (this.#parts.has(id))
        throw unsupported(`Two parts of a flow, one of task "${job.task}", wait for all of the same group`);
      this.#parts.set(id, { body: job, groupId, index });
    }
  }

  queueOf({ task, queue }: NewJob): string {
    return task === collectName ? this.#target.defaultQueue : queue;
  }

  /** The message of a job that waits for nothing. */
  message(job: NewJob): TaskMessage {
    const [next, ...others] = this.#followers.get(job.id) ?? [];
    const part = this.#parts.get(job.id);
    const { args, kwargs } = toCallArguments(job);
    return createTaskMessage({
      id: job.id,
      task: taskOf(job),
      args,
      kwargs,
      callbacks: others.map((other) => this.#signature(other)),
      chain: next === undefined ? [] : this.#chain(next),
      chord: part && this.#signature(part.body),
      group: part?.groupId,
      groupIndex: part?.index,
      eta: job.delayMs > 0 ? this.#target.nowMs + job.delayMs : undefined,
      expires: job.expiresMs === undefined ? undefined : this.#target.nowMs + job.expiresMs,
      timeLimitMs: job.timeoutMs,
      priority: this.#target.toPriority(job.priority),
      replyTo: this.#target.replyTo,
      headers: toJobHeaders(job),
    });
  }

  /** A job and those that follow it one by one. */
  #chain(job: NewJob): Signature[] {
    const [next, ...others] = this.#followers.get(job.id) ?? [];
    const signature = this.#signature(job, others);
    return next === undefined ? [signature] : [signature, ...this.#chain(next)];
  }

  /** @param followers - what it calls at its end, if not all that wait for it */
  #signature(job: NewJob, followers: readonly NewJob[] = this.#followers.get(job.id) ?? []): Signature {
    const part = this.#parts.get(job.id);
    const { args, kwargs } = toCallArguments(job);
    const options: SignatureOptions & { headers: JsonObject } = {
      task_id: job.id,
      queue: this.queueOf(job),
      priority: this.#target.toPriority(job.priority),
      ...(this.#target.replyTo !== undefined && { reply_to: this.#target.replyTo }),
      ...(job.delayMs > 0 && { countdown: job.delayMs / 1_000 }),
      ...(job.expiresMs !== undefined && { expires: formatIsoTime(this.#target.nowMs + job.expiresMs) }),
      ...(job.timeoutMs !== undefined && { time_limit: job.timeoutMs / 1_000 }),
      ...(followers.length > 0 && { link: followers.map((follower) => this.#signature(follower)) }),
      ...(part && { chord: this.#signature(part.body), group_id: part.groupId, group_index: part.index }),
      headers: toJobHeaders(job),
    };
    return taskSignature({ task: taskOf(job), args, kwargs, options, immutable: job.after?.pass === "nothing" });
  }
}

function taskOf({ task }: NewJob): string {
  return task === collectName ? accumulate : task;
}

/** The last argument is the keyword arguments, if the job says so. */
function toCallArguments({ task, args, meta }: NewJob): {
  readonly args: readonly JsonValue[];
  readonly kwargs: JsonObject;
} {
  const values = parseArguments(args) ?? [];
  if (task === collectName) return { args: values, kwargs: { index: 0 } };
  const last = values.at(-1);
  return meta.kwargs === "1" && isJsonObject(last)
    ? { args: values.slice(0, -1), kwargs: last }
    : { args: values, kwargs: {} };
}

function unsupported(what: string): AfterwordError {
  return new AfterwordError("unsupported", `${what}. Celery's canvas has no way to say that: split the flow.`);
}
