/** What a worker says of itself. */
export interface WorkerEventFields {
  /** Seconds between two heartbeats: who is silent for twice as long is gone. */
  readonly freq: number;
  /** How many tasks run. */
  readonly active: number;
  /** How many tasks it has run. */
  readonly processed: number;
  readonly loadavg: readonly [number, number, number];
  readonly sw_ident: string;
  readonly sw_ver: string;
  readonly sw_sys: string;
}

/** What a worker says of a task that it was handed. */
export interface ReceivedEventFields {
  readonly uuid: string;
  readonly name: string;
  /** As Python shows them: see {@link reprArguments}. */
  readonly args: string;
  /** As Python shows them: see {@link reprKeywords}. */
  readonly kwargs: string;
  readonly root_id: string;
  readonly parent_id: string | null;
  readonly retries: number;
  /** ISO 8601. */
  readonly eta: string | null;
  /** ISO 8601. */
  readonly expires: string | null;
}

/** The fields of each type of event, besides those that all have (celery/events/, celery/worker/request.py). */
export interface EventFields {
  readonly "task-sent": ReceivedEventFields & {
    readonly queue: string;
    readonly exchange: string;
    readonly routing_key: string;
  };
  readonly "task-received": ReceivedEventFields;
  readonly "task-started": { readonly uuid: string };
  readonly "task-succeeded": {
    readonly uuid: string;
    /** As Python shows it: see {@link reprValue}. */
    readonly result: string;
    /** Seconds. */
    readonly runtime: number;
  };
  readonly "task-failed": FailedEventFields;
  readonly "task-retried": FailedEventFields;
  readonly "task-revoked": {
    readonly uuid: string;
    readonly terminated: boolean;
    readonly signum: number | string | null;
    readonly expired: boolean;
  };
  readonly "task-rejected": { readonly uuid: string; readonly requeue: boolean };
  readonly "worker-online": WorkerEventFields;
  readonly "worker-heartbeat": WorkerEventFields;
  readonly "worker-offline": WorkerEventFields;
}

/** Why an attempt failed. */
export interface FailedEventFields {
  readonly uuid: string;
  /** As Python shows it: see {@link reprException}. */
  readonly exception: string;
  readonly traceback: string;
}

/** The types of events that Celery itself knows. */
export type EventType = keyof EventFields;
