/** A task at one moment of its life, as the events of `app.background` tell it. Times are milliseconds since the Unix epoch. */
export interface TaskEvent {
  readonly id: string;
  readonly name: string;
  /** The id of the request that added it; `undefined` outside a request. */
  readonly requestId: string | undefined;
  readonly addedAt: number;
  /** `undefined` if it was never started. */
  readonly startedAt: number | undefined;
  /** `undefined` while it has not ended. */
  readonly endedAt: number | undefined;
}

/** The events of `app.background`, a Node `EventEmitter`. They are made only while somebody listens. */
export interface BackgroundEvents {
  /** Its function is about to be called. */
  started: [TaskEvent];
  succeeded: [TaskEvent & { readonly value: unknown }];
  /** It threw or timed out. */
  failed: [TaskEvent & { readonly error: unknown }];
  /** `cancel()` ended it. */
  canceled: [TaskEvent & { readonly reason: string }];
  /** It will not run, by a rule that `reason` names: its request failed, or its list was cleared. */
  dropped: [TaskEvent & { readonly reason: string }];
  /** The process shut down before it ended. */
  lost: [TaskEvent & { readonly reason: string }];
  /** It called `currentTask().progress()`. */
  progress: [TaskEvent & { readonly value: number; readonly note: string | undefined }];
  /** It called `currentTask().log()`. */
  log: [TaskEvent & { readonly line: string }];
}

/** What `onError` is told beside the error. */
export interface TaskReport {
  /**
   * What failed: a task, clean-up after the response, the producer of a streamed response, an attempt of a job that this
   * app ran, the conversation with the broker, or a worker thread that ran no job.
   */
  readonly kind: "task" | "cleanup" | "stream" | "job" | "broker" | "thread";
  /** The id of the task or job; `undefined` for the other kinds. */
  readonly id: string | undefined;
  /** The name of the task, what was cleaned up, the route, the broker, or the thread. */
  readonly name: string;
  /** The arguments in one short line, for people. */
  readonly args: string;
  readonly requestId: string | undefined;
  /** Of a job: the attempt that failed, counted from 1. */
  readonly attempt?: number;
  /** Of a job: how many attempts it has. */
  readonly attempts?: number;
  /** Of a job: milliseconds until the next attempt; `undefined` if there is none. */
  readonly retryInMs?: number | undefined;
  /** Of a job: its queue. */
  readonly queue?: string | undefined;
}
