import type { ReceivedMessage, TaskMessage } from "../../celery/message.ts";
import type { CancelResult, ChangeListener } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import type { Canvas } from "./job-canvas.ts";
import type { Conclusion, OnComplete, Results as StoredResults, StoredTask, TaskReport } from "./transport.ts";

/** A task that a worker has, whose message another server carries. */
export interface BegunTask {
  readonly worker: string;
  readonly message: TaskMessage;
  /** Counts the deliveries of a job and never falls. */
  readonly epoch: number;
  /** How often this attempt was handed out, to workers of ours. */
  readonly deliveries: number;
  /** Why somebody wants that it does not run. */
  readonly revoked: string | undefined;
}

/** Where results go, and what is known of jobs, when their messages travel through a server that keeps nothing else. */
export interface Results {
  /** The queue that answers go to, where results travel in messages. */
  readonly replyTo: string | undefined;
  /** Whether it counts how often a job was handed out; otherwise its message must. */
  readonly countsDeliveries: boolean;
  /** Why chords cannot be counted, and how to mend it; `undefined` if they can. */
  readonly noChords: string | undefined;
  open(): Promise<void>;
  close(): Promise<void>;
  /** Stores records of jobs that are about to be sent. @returns the ids of those that were sent before */
  note(jobs: readonly NewJob[], canvas: Canvas): Promise<ReadonlySet<string>>;
  /** The server has the messages of these jobs. */
  sent(ids: readonly string[]): void;
  /** The server has none of the messages of these jobs. */
  drop(ids: readonly string[]): Promise<void>;
  /** Whether it is known here already that a task has ended whose message comes again. */
  hasEnded(message: TaskMessage): boolean;
  /** Workers take tasks. @returns for each, `undefined` if its message is one too many */
  begin(
    worker: string,
    messages: readonly TaskMessage[],
    maxDeliveries: number,
  ): Promise<readonly (BegunTask | undefined)[]>;
  /** Undoes a beginning, not before a time if one is given. @returns whether it was still the worker's */
  release(task: BegunTask, dueAt: number | undefined): Promise<boolean>;
  /**
   * Stores how a task ends; what it sends is sent already.
   *
   * @param endedAtMs - when it ended, by `performance.now()`
   * @param onFollowing - sends what a chord does at its end
   * @returns whether it was still the worker's
   */
  conclude(
    task: BegunTask,
    conclusion: Conclusion,
    onComplete: OnComplete,
    endedAtMs: number,
    onFollowing: (sends: Canvas["sends"]) => Promise<void>,
  ): Promise<boolean>;
  /** Tells whoever waits for a task whose message nobody can read. */
  refuse(message: ReceivedMessage, results: StoredResults): Promise<void>;
  report(task: BegunTask, report: TaskReport): Promise<void>;
  extend(
    worker: string,
    tasks: readonly BegunTask[],
  ): Promise<{ readonly lost: readonly string[]; readonly revoked: readonly (readonly [string, string])[] }>;
  find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]>;
  revoke(ids: readonly string[], results: readonly string[], reason: string): Promise<readonly CancelResult[]>;
  noteRevoked(ids: readonly string[], results: readonly string[], reason: string, isForRunning: boolean): Promise<void>;
  subscribe(listener: ChangeListener): () => void;
}
