/**
 * What the dashboard's API answers, as the page in the browser reads it. Instants are milliseconds since the Unix epoch.
 *
 * @module
 */
import type { Ability, QueueCounts, WorkerRecord } from "../tasks/broker.ts";
import type { FailedAttempt, JobErrorData, JobLogLine, JobProgress, JobStatus } from "../tasks/job.ts";

export type { Ability, FailedAttempt, JobErrorData, JobLogLine, JobProgress, JobStatus, QueueCounts };

/** `GET api/info` */
export interface DashboardInfo {
  /** The name of the broker. */
  readonly broker: string;
  readonly abilities: readonly Ability[];
  readonly isReadOnly: boolean;
  /** Whether the broker's jobs outlive the process. */
  readonly isDurable: boolean;
  /** Whether it shows the background tasks of an app of this process. */
  readonly hasBackground: boolean;
  /** Since when this process watches: where history begins. */
  readonly watchingSince: number;
  readonly host: string;
  readonly pid: number;
  readonly now: number;
}

/** A job in a list. */
export interface JobSummary {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly status: JobStatus;
  readonly attempt: number;
  readonly attempts: number;
  readonly priority: number;
  /** The beginning of the arguments, as the mask lets them be seen. */
  readonly args: string;
  /** The message of its error, the reason of its cancellation, or the note of its progress. */
  readonly note: string | undefined;
  readonly progress: number | undefined;
  readonly uniqueKey: string | undefined;
  readonly storedAt: number;
  readonly runAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** `GET api/jobs` */
export interface JobsPage {
  readonly jobs: readonly JobSummary[];
  /** Where the search goes on; `undefined` at the end. The page may be empty and have a next one. */
  readonly next: string | undefined;
}

/** `GET api/jobs/:id` */
export interface JobDetail extends Omit<JobSummary, "args" | "note" | "progress"> {
  readonly args: unknown;
  /** Of a job that has succeeded. */
  readonly result: unknown;
  readonly hasResult: boolean;
  readonly error: JobErrorData | undefined;
  readonly reason: string | undefined;
  readonly failures: readonly FailedAttempt[];
  readonly progress: JobProgress | undefined;
  readonly log: readonly JobLogLine[];
  readonly meta: Readonly<Record<string, string>>;
  readonly deliveries: number;
  readonly timeoutMs: number | undefined;
  readonly expiresAt: number | undefined;
  readonly keepMs: number;
  readonly worker: string | undefined;
  /** The chain, group or chord that it is a part of. */
  readonly flow: FlowView | undefined;
}

/** Jobs that wait for each other, in the order in which they were stored: the last one stands for the whole. */
export interface FlowView {
  readonly parts: readonly FlowPart[];
  /** Whether it has more jobs than these, which are the last ones. */
  readonly isCut: boolean;
}

/** A job of a flow. */
export interface FlowPart extends LinkedJob {
  /** The ids of the jobs that it waits for, or waited for. */
  readonly after: readonly string[];
}

/** A job that is told of beside another thing. */
export interface LinkedJob {
  readonly id: string;
  /** `undefined` when it is not stored any more. */
  readonly task: string | undefined;
  readonly status: JobStatus | undefined;
}

/** `GET api/queues` */
export interface QueuesAnswer {
  readonly queues: readonly QueueCounts[];
  /** When they were counted. */
  readonly at: number;
}

/** What happened in a stretch of time, and how it was at its end. */
export interface HistoryPoint {
  /** Its end. */
  readonly at: number;
  /** How many jobs a second succeeded; estimated where many end at once. */
  readonly succeeded: number;
  /** How many a second ended otherwise, or lost an attempt. */
  readonly failed: number;
  /** How long the attempts took that ended in it, in milliseconds; `null` when none was seen. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly queued: number | null;
  readonly running: number | null;
  /** For how long the oldest job waits that could run, in milliseconds. */
  readonly oldestMs: number | null;
}

/** `GET api/history` */
export interface HistoryAnswer {
  /** The last minutes, second by second. */
  readonly seconds: readonly HistoryPoint[];
  /** The last day, minute by minute. */
  readonly minutes: readonly HistoryPoint[];
}

/** The server-sent event `sample`. */
export interface SampleEvent extends QueuesAnswer {
  readonly point: HistoryPoint;
  /** How far apart samples are now: a busy broker is asked less often. */
  readonly everyMs: number;
}

/** The server-sent event `changed`: these jobs, or all. */
export interface ChangedEvent {
  readonly ids: readonly string[] | undefined;
}

/** A schedule in `GET api/schedules`. */
export interface ScheduleView {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly task: string;
  readonly isPaused: boolean;
  readonly lastTickAt: number | undefined;
  readonly lastJob: LinkedJob | undefined;
  /** `undefined` when it is paused or never due again. */
  readonly nextTickAt: number | undefined;
  /** Whether its arguments are known here, from its definition or from its last job. */
  readonly canRunNow: boolean;
}

/** A worker in `GET api/workers`. */
export interface WorkerView extends WorkerRecord {
  readonly jobs: readonly JobSummary[];
}

/** Jobs that failed of the same, in `GET api/dead`. */
export interface ErrorGroup {
  /** For the filter `error` of a list. */
  readonly key: string;
  readonly task: string;
  readonly name: string;
  readonly code: string | undefined;
  /** The message of the newest. */
  readonly message: string;
  readonly count: number;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  readonly newestId: string;
}

/** `GET api/dead` */
export interface DeadAnswer {
  readonly groups: readonly ErrorGroup[];
  /** How many failed jobs were looked at, newest first. */
  readonly examined: number;
  readonly next: string | undefined;
}

/** `POST api/jobs/retry`, `cancel` and `remove` */
export interface ChangeAnswer {
  readonly changed: number;
  /** Whose state did not allow it, or who are not stored any more. */
  readonly skipped: number;
  /** Of a change of all that match: where it goes on. */
  readonly next?: string | undefined;
}

/** `POST api/jobs/count` */
export interface CountAnswer {
  readonly count: number;
  readonly next: string | undefined;
}

/** A background task of this process in `GET api/background`. */
export interface LocalTask {
  readonly id: string;
  readonly name: string;
  readonly requestId: string | undefined;
  readonly addedAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly error: JobErrorData | undefined;
  readonly reason: string | undefined;
}

/** `GET api/background` */
export interface BackgroundAnswer {
  readonly waiting: number;
  readonly maxPending: number;
  readonly ended: number;
  readonly running: readonly LocalTask[];
  /** The last that failed, were dropped or lost, newest first. */
  readonly failures: readonly LocalTask[];
}
