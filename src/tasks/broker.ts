import type { Execute } from "./delivery.ts";
import type { Job, JobStatus, FinalStatus, NewJob } from "./job.ts";

/**
 * What not every broker can do. Asking for an ability that a broker lacks throws when the task is defined or the app
 * starts, and names the way out.
 */
export type Ability =
  /** `delay`, and retries that wait. */
  | "delay"
  | "priority"
  /** `uniqueKey`. */
  | "unique"
  /** Stopping a job that runs, also from another process. */
  | "cancelRunning"
  /** `list`, `counts`, `retry` and `remove`; and `workers` of other processes. */
  | "list"
  /** Status and result by id, from any process. */
  | "results"
  /** Progress and log. */
  | "progress"
  | "schedule"
  /** Storing jobs inside the user's own database transaction. */
  | "transaction"
  /** Holding a queue. */
  | "pause"
  /** `maxRunning` and `rateLimit`, over all workers. */
  | "limits"
  /** Jobs that wait for other jobs: `chain`, `group`, `chord`. */
  | "groups";

/** All abilities, so that none is forgotten in silence. */
export const abilities: readonly Ability[] = [
  "delay",
  "priority",
  "unique",
  "cancelRunning",
  "list",
  "results",
  "progress",
  "schedule",
  "transaction",
  "pause",
  "limits",
  "groups",
];

/** What became of a job that was handed over. */
export interface StoredJob {
  /** The id of the job that stands for it: its own, or that of the one whose unique key it shares. */
  readonly id: string;
  /** Whether nothing new was stored, because the unique key is in use. */
  readonly isDuplicate: boolean;
}

/** Who consumes. */
export interface WorkerInfo {
  /** A UUID, new for each start. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly slots: number;
}

/** A worker as the store knows it. */
export interface WorkerRecord extends WorkerInfo {
  readonly startedAt: number;
  /** When it was last heard of. */
  readonly seenAt: number;
  readonly running: number;
}

/** How to consume. */
export interface ConsumeOptions {
  readonly worker: WorkerInfo;
  /** How many jobs run at the same time. No job is claimed for which no slot is free. */
  readonly slots: number;
  readonly queues: readonly string[];
  /** So long after its last sign of life a worker's jobs are given to others. */
  readonly leaseMs: number;
  /** So often one attempt is handed out: then its workers died of it, and it fails with `worker_lost`. */
  readonly maxDeliveries: number;
  /** Told of trouble that is not the job's: the store cannot be reached, an ending was refused. Consuming goes on. */
  readonly onError: (error: unknown) => void;
}

/** Consuming that is under way. Calls after the first of each method do nothing more. */
export interface Consumer {
  /** How many deliveries have no ending yet. */
  readonly running: number;
  /** Claims nothing any more. Resolves when no claim is under way. */
  stop(): Promise<void>;
  /** Resolves when no delivery is without an ending, and all endings are stored. */
  idle(): Promise<void>;
  /**
   * After `stop`: aborts what still runs with code `shutdown` and gives it back at once, so that it is `queued` again
   * before this resolves. No counter of those jobs changes; an ending that comes later is refused. Then the worker is
   * taken from the list.
   */
  close(): Promise<void>;
}

/** Which jobs to list. All conditions must hold; none given lists all. */
export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | undefined;
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly uniqueKey?: string | undefined;
  /** Found in the text of the arguments, of the error, or as part of the id. */
  readonly text?: string | undefined;
}

/** A part of a list. It may be empty although there is a next one: a store looks at so many jobs at a time. */
export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly Job[];
  /** Where the next page starts; `undefined` at the end. */
  readonly next: string | undefined;
}

/** How many jobs a queue has in each state. */
export interface QueueCounts extends Readonly<Record<JobStatus, number>> {
  readonly queue: string;
  readonly isPaused: boolean;
  /** Since when the oldest job waits that could run now. */
  readonly oldestQueuedAt: number | undefined;
}

/** What became of a request to cancel: it will not run; its worker was told; it had ended; there is no such job. */
export type CancelResult = "canceled" | "requested" | "ended" | "unknown";

/** A schedule as the store knows it. */
export interface ScheduleRecord {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly task: string;
  /** The tick that was stored last; `undefined` before the first. */
  readonly lastTickAt: number | undefined;
  readonly lastJobId: string | undefined;
  /** When it was first known: ticks before that were not missed. */
  readonly createdAt: number;
  readonly isPaused: boolean;
}

/** Something has changed: these jobs, or `undefined` where the store cannot say which. */
export type ChangeListener = (ids: readonly string[] | undefined) => void;

/**
 * Where jobs live: storing, handing out, ending and showing them. It knows nothing of functions, HTTP, or how a job is
 * run.
 *
 * - All methods but `consume` and `subscribe` reject with a {@link StoreError} when the store cannot do it, at the latest after
 *   two seconds if it cannot be reached. None hangs.
 * - `open` and `close` are called in turn, never twice in a row: after `close` it may be opened again. Between them comes
 *   everything else, also at the same time.
 * - Every change of a running job is conditional on its `(id, epoch)`: who has lost the lease changes nothing.
 */
export interface Broker {
  /** For people: `"sqlite"`. */
  readonly name: string;
  readonly supports: ReadonlySet<Ability>;
  /** Whether an app runs the worker itself by default. */
  readonly isEmbedded: boolean;
  /** Whether jobs outlive this process. */
  readonly isDurable: boolean;

  /** Connects, creates or migrates what is stored. Rejects with an `AfterwordError` that says what is wrong and how to mend it. */
  open(): Promise<void>;
  /** Stops what runs, gives jobs back, frees everything. Never rejects because of a store that is gone. */
  close(): Promise<void>;

  /**
   * Stores jobs, as durably as this broker ever does, before it resolves. In order: the first is older than the second.
   * Embedded brokers and databases store all or none.
   *
   * @param request.transaction - the user's open transaction: the jobs exist when it commits
   * @returns one for each job, in order
   */
  enqueue(request: { readonly jobs: readonly NewJob[]; readonly transaction?: unknown }): Promise<readonly StoredJob[]>;

  /**
   * Hands jobs to `execute` and stores their endings, until the consumer is closed. Claiming is one atomic operation in
   * the store. Trouble with the store goes to `onError`, and consuming goes on when the store is back.
   */
  consume(options: ConsumeOptions, execute: Execute): Consumer;

  /** One for each id, in order. */
  get(request: { readonly ids: readonly string[] }): Promise<readonly (Job | undefined)[]>;
  list(request: {
    readonly filter: JobFilter;
    readonly limit: number;
    readonly after?: string | undefined;
  }): Promise<JobPage>;
  /** Of the queues that are known, by name. */
  counts(): Promise<readonly QueueCounts[]>;

  /** A waiting job ends as `canceled` at once, and what waits for it fails; a running one is aborted by its worker. */
  cancel(request: { readonly ids: readonly string[]; readonly reason: string }): Promise<readonly CancelResult[]>;
  /**
   * Jobs that have ended otherwise than `succeeded` are `queued` again, with all attempts before them. Jobs that failed
   * because they waited for them wait again.
   *
   * @returns for each id, whether it was such a job
   */
  retry(request: { readonly ids: readonly string[] }): Promise<readonly boolean[]>;
  /** Forgets jobs that are not running. @returns for each id, whether it was forgotten */
  remove(request: { readonly ids: readonly string[] }): Promise<readonly boolean[]>;
  /** Forgets jobs that have ended. @returns how many */
  purge(request: {
    readonly statuses: readonly FinalStatus[];
    readonly queue?: string | undefined;
    readonly task?: string | undefined;
    /** Only those that ended at least so long ago. */
    readonly olderThanMs?: number | undefined;
  }): Promise<number>;

  /** From now on nothing of the queue is claimed; what runs goes on. Survives restarts. */
  pause(request: { readonly queue: string }): Promise<void>;
  resume(request: { readonly queue: string }): Promise<void>;

  /** Makes a schedule known, or changes it; its last tick stays. */
  putSchedule(request: {
    readonly name: string;
    readonly cron: string;
    readonly timezone: string;
    readonly task: string;
  }): Promise<ScheduleRecord>;
  removeSchedule(request: { readonly name: string }): Promise<boolean>;
  schedules(): Promise<readonly ScheduleRecord[]>;
  pauseSchedule(request: { readonly name: string; readonly isPaused: boolean }): Promise<boolean>;
  /**
   * Stores the jobs of ticks, unless a tick of that time or a later one was stored before, by whomever, or the schedule is
   * paused. One atomic operation: many schedulers store one job for each tick.
   *
   * @param request.ticks - ascending
   * @returns for each tick, whether it was stored now
   */
  tick(request: {
    readonly schedule: string;
    readonly ticks: readonly { readonly at: number; readonly job: NewJob }[];
  }): Promise<readonly boolean[]>;

  workers(): Promise<readonly WorkerRecord[]>;

  /**
   * Tells of changes, as a hint: soon, usually, perhaps more often than needed. Whoever must know asks again by himself
   * from time to time.
   *
   * @returns ends it
   */
  subscribe(listener: ChangeListener): () => void;
}
