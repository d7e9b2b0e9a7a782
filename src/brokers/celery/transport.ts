import type { ReceivedMessage, TaskMessage } from "../../celery/message.ts";
import type { AfterwordError } from "../../internal/afterword-error.ts";
import type { CancelResult, ChangeListener, WorkerInfo } from "../../tasks/broker.ts";
import type { FailedAttempt, JobStatus, NewJob } from "../../tasks/job.ts";
import type { Canvas, ToPriority } from "./job-canvas.ts";
import type { Mailbox } from "./mailbox.ts";

/** A message that a worker has. */
export interface Taken {
  readonly queue: string;
  /** Names it while it is not acknowledged. */
  readonly tag: string;
  readonly content: ReceivedMessage;
  /** Counts the deliveries of a job and never falls. */
  readonly epoch: number;
  /** How often this attempt was handed out, to workers of ours. */
  readonly deliveries: number;
  /** Why somebody wants that it does not run. */
  readonly revoked: string | undefined;
  /** What it says, where that was read already. */
  readonly message?: TaskMessage;
}

/** A message that could not be handed out, because it is none of Celery's. */
export interface Refused {
  readonly queue: string;
  readonly reason: string;
}

/** Results to be stored, by the ids of their tasks. */
export type Results = readonly (readonly [id: string, text: string])[];

/** What the record of a job says of its end, or of the end of an attempt. */
export interface RecordChange {
  readonly status: JobStatus;
  /** How long it is kept from now on; `undefined` if it goes on. */
  readonly keepMs: number | undefined;
  /** When it goes on. */
  readonly runInMs: number | undefined;
  readonly reason: string | undefined;
  /** The text of the result, where Celery's form of it would not keep it as it is. */
  readonly resultText?: string | undefined;
  /** What went wrong in this attempt. */
  readonly failure: Omit<FailedAttempt, "at"> | undefined;
}

/** How a message ends. */
export interface Conclusion {
  readonly record: RecordChange;
  readonly results: Results;
  readonly sends: Canvas["sends"];
  readonly chords: Canvas["chords"];
  /** What it leaves for the body of its chord. */
  readonly part:
    | {
        readonly groupId: string;
        readonly index: number | undefined;
        readonly member: string;
        readonly isFailed: boolean;
      }
    | undefined;
}

/** What a chord does when all its parts have ended. */
export type OnComplete = (members: readonly string[]) => Pick<Conclusion, "results" | "sends" | "chords">;

/** What a running task says of itself. */
export interface TaskReport {
  readonly progress: { readonly value: number; readonly note: string | undefined } | undefined;
  readonly log: readonly string[];
  /** The same for Celery, where there is progress. */
  readonly result: string | undefined;
}

/** What is stored of a task: Celery's result, and our own record if the job is of ours. */
export interface StoredTask {
  readonly result: string | undefined;
  readonly record: Readonly<Record<string, string>>;
  /** When each failed, and the JSON of how. */
  readonly failures: readonly (readonly [at: number, text: string])[];
  readonly log: readonly (readonly [at: number, line: string])[];
  /** By the clock of the store. */
  readonly nowMs: number;
}

/** What carries the messages of Celery, and keeps its results. */
export interface Transport {
  readonly toPriority: ToPriority;
  /** The queue that answers to what is sent go to, where results travel in messages. */
  readonly replyTo?: string | undefined;
  readonly mailbox: Mailbox;
  open(): Promise<void>;
  close(): Promise<void>;
  /** Stores records of the jobs, and sends what of them need not wait. */
  enqueue(jobs: readonly NewJob[], canvas: Canvas): Promise<void>;
  claim(request: {
    readonly worker: string;
    readonly queues: readonly string[];
    readonly count: number;
    readonly leaseMs: number;
    /** One that was handed out so often is given once more, to be ended, which does not count. */
    readonly maxDeliveries: number;
  }): Promise<{
    readonly taken: readonly Taken[];
    readonly refused: readonly Refused[];
    readonly nextMs: number | undefined;
    /** What else somebody must be told of. */
    readonly troubles?: readonly AfterwordError[];
  }>;
  /** Not before a time, or to run next. @returns whether it was still the worker's */
  giveBack(worker: string, taken: Taken, id: string, dueAt: number | undefined): Promise<boolean>;
  /** @returns whether it was still the worker's */
  finish(worker: string, taken: Taken, id: string, conclusion: Conclusion, onComplete: OnComplete): Promise<boolean>;
  /** Puts what cannot be read or is known to nobody to the dead letters; the message itself stays as it was. */
  setAside(taken: Taken, reason: string): Promise<void>;
  extend(request: {
    readonly worker: WorkerInfo;
    readonly leaseMs: number;
    readonly holds: readonly { readonly tag: string; readonly id: string; readonly epoch: number }[];
  }): Promise<{
    readonly lost: readonly string[];
    readonly revoked: readonly (readonly [id: string, reason: string])[];
  }>;
  holds(worker: string): Promise<readonly { readonly id: string; readonly epoch: number }[]>;
  /** A worker has gone, and all that it had is given back. */
  leave(worker: string): Promise<void>;
  /** Only if the job is still the worker's. */
  report(worker: string, taken: Taken, id: string, report: TaskReport): Promise<void>;
  find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]>;
  /** @param results - what is stored for those that never run, in order */
  revoke(ids: readonly string[], results: readonly string[], reason: string): Promise<readonly CancelResult[]>;
  /**
   * The same for what somebody else has revoked, unless that is known already.
   *
   * @param isForRunning - whether those are to end that run
   */
  noteRevoked(ids: readonly string[], results: readonly string[], reason: string, isForRunning: boolean): Promise<void>;
  /** What waits for its time in some queues, of each no more than so much. */
  delayed(queues: readonly string[], count: number): Promise<readonly ReceivedMessage[]>;
  subscribe(listener: ChangeListener): () => void;
}
