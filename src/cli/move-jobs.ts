import type { Broker } from "../tasks/broker.ts";
import type { Job, NewJob } from "../tasks/job.ts";

/** So many jobs are moved at once. */
const pageSize = 100;

/** What a move has done. */
export interface MoveReport {
  readonly moved: number;
  /** Jobs whose unique key is in use at the target already: they are there, under another id. */
  readonly merged: number;
  /** Jobs that wait for others which are not moved with them: their flow has begun, and ends where it is. */
  readonly kept: readonly string[];
  /** Jobs that run at the source, which ends them. */
  readonly running: number;
}

/**
 * Moves the waiting jobs of a queue to another broker. Both queues are held meanwhile, so that no job is handed out at both:
 * each is stored at the target, then forgotten at the source, and if a worker has got it in between, forgotten at the
 * target. When it is cut off in the middle, nothing is lost, and moving again finishes it: an id is stored once.
 *
 * Ids, arguments, options and texts that travel along stay; delays and expiries go on. Attempts that were used stay used. What
 * has ended stays at the source.
 */
export async function moveQueue(source: Broker, target: Broker, queue: string): Promise<MoveReport> {
  const wasHeld = { source: await isHeld(source, queue), target: await isHeld(target, queue) };
  await source.pause({ queue });
  await target.pause({ queue });
  const report = await moveJobs(source, target, queue);
  if (!wasHeld.target) await target.resume({ queue });
  if (!wasHeld.source) await source.resume({ queue });
  return report;
}

async function moveJobs(source: Broker, target: Broker, queue: string): Promise<MoveReport> {
  const jobs = await waitingJobs(source, queue);
  const movable = new Set(movableIds(jobs));
  let moved = 0;
  let merged = 0;
  const chosen = jobs.filter(({ id }) => movable.has(id));
  for (let from = 0; from < chosen.length; from += pageSize) {
    const part = chosen.slice(from, from + pageSize);
    const now = Date.now();
    const stored = await target.enqueue({ jobs: part.map((job) => toNewJob(job, now)) });
    const gone = await source.remove({ ids: part.map(({ id }) => id) });
    // A worker had claimed it before the queue was held, or somebody has ended it.
    const back = part.filter((_, index) => !gone[index] && !stored[index]!.isDuplicate).map(({ id }) => id);
    if (back.length > 0) await target.remove({ ids: back });
    for (const [index, wasForgotten] of gone.entries())
      if (wasForgotten && stored[index]!.isDuplicate) merged++;
      else if (wasForgotten) moved++;
  }
  const counts = (await source.counts()).find((each) => each.queue === queue);
  return {
    moved,
    merged,
    kept: jobs.filter(({ id }) => !movable.has(id)).map(({ id }) => id),
    running: counts?.running ?? 0,
  };
}

async function isHeld(broker: Broker, queue: string): Promise<boolean> {
  return (await broker.counts()).some((counts) => counts.queue === queue && counts.isPaused);
}

/** Oldest first, so that their order stays. */
async function waitingJobs(broker: Broker, queue: string): Promise<readonly Job[]> {
  const found: Job[] = [];
  let after: string | undefined;
  do {
    const page = await broker.list({ filter: { queue, statuses: ["scheduled", "queued"] }, limit: pageSize, after });
    found.push(...page.jobs);
    after = page.next;
  } while (after !== undefined);
  return found.toReversed();
}

/**
 * Jobs that wait for none, or only for such as are moved too; and of flows all or nothing, because what is moved could not be
 * waited for where it was.
 */
function movableIds(jobs: readonly Job[]): readonly string[] {
  let ids = new Set(jobs.map(({ id }) => id));
  for (;;) {
    const stuck = new Set(jobs.filter(({ after }) => after?.ids.some((id) => !ids.has(id))).map(({ id }) => id));
    // Whatever one that stays waits for stays with it.
    for (const { id, after } of jobs) if (stuck.has(id)) for (const part of after?.ids ?? []) stuck.add(part);
    const left = new Set([...ids].filter((id) => !stuck.has(id)));
    if (left.size === ids.size) return [...left];
    ids = left;
  }
}

function toNewJob(job: Job, now: number): NewJob {
  return {
    id: job.id,
    task: job.task,
    queue: job.queue,
    args: job.args,
    priority: job.priority,
    delayMs: job.status === "scheduled" && job.runAt !== undefined ? Math.max(0, job.runAt - now) : 0,
    // One that was started once does not expire any more.
    expiresMs: job.expiresAt === undefined || job.attempt > 0 ? undefined : Math.max(1, job.expiresAt - now),
    uniqueKey: job.uniqueKey,
    attempts: Math.max(1, job.attempts - job.attempt),
    backoff: job.backoff,
    timeoutMs: job.timeoutMs,
    limits: job.limits,
    keepResultMs: job.keepResultMs,
    keepFailedMs: job.keepFailedMs,
    after: job.after,
    meta: job.meta,
  };
}
