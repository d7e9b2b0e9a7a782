import type { Broker } from "../tasks/broker.ts";
import { finalStatuses, isFinal, type Job } from "../tasks/job.ts";

/** How attempts ended since the last look. */
export interface Endings {
  readonly succeeded: number;
  readonly failed: number;
  /** Of those that were looked at, in milliseconds. */
  readonly durations: readonly number[];
}

/** So many of the jobs that have changed are looked at. */
const maxLooked = 40;
/** So many are remembered between two looks; of more, only how many they are. */
const maxRemembered = 5_000;
/** So many endings are known, so that none counts twice. */
const maxKnown = 2_000;
/** By so much the clock of the store may differ from ours: what ended longer before the last look is no news. */
const maxSkewMs = 30_000;

/**
 * How many jobs end, and how long they take, from what a broker tells of changes: it names the jobs, some of them are looked at, and
 * the others are taken to be alike. Where it cannot name them, the newest that have ended are looked at.
 */
export class EndedJobs {
  readonly #broker: Broker;
  #changed = new Set<string>();
  /** Those that were not remembered. */
  #missed = 0;
  #isVague = true;
  #known = new Set<string>();
  #isFirst = true;
  #lookedAt = Date.now();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Takes a hint of the broker. */
  hear(ids: readonly string[] | undefined): void {
    if (ids === undefined) this.#isVague = true;
    else
      for (const id of ids)
        if (this.#changed.size < maxRemembered) this.#changed.add(id);
        else this.#missed++;
  }

  /** Nobody hears hints any more. */
  stopHearing(): void {
    this.#isVague = true;
  }

  /**
   * Looks at what has changed since the last time.
   *
   * @param isHearing - whether hints come from now on
   * @param finalDelta - by how much the counts of final jobs have grown, if they were counted
   */
  async look(isHearing: boolean, finalDelta: number): Promise<Endings> {
    const ids = [...this.#changed];
    const all = ids.length + this.#missed;
    const isVague = this.#isVague;
    this.#changed = new Set();
    this.#missed = 0;
    this.#isVague = !isHearing;
    const chosen = pick(ids, maxLooked);
    const named = chosen.length > 0 ? await this.#broker.get({ ids: chosen }) : [];
    const listed =
      isVague && this.#broker.supports.has("list")
        ? (await this.#broker.list({ filter: { statuses: finalStatuses }, limit: maxLooked })).jobs
        : [];
    // What had ended before somebody looked is not news.
    const isNews = !this.#isFirst;
    this.#isFirst = false;
    const sinceAt = this.#lookedAt - maxSkewMs;
    this.#lookedAt = Date.now();
    const factor = chosen.length === 0 ? 1 : Math.max(1, all / chosen.length);
    const seen: Endings[] = [];
    for (const job of named) if (job !== undefined) seen.push(this.#endingOf(job, factor, sinceAt));
    for (const job of listed) {
      const ending = this.#endingOf(job, 1, sinceAt);
      if (isNews) seen.push(ending);
    }
    return atLeast(finalDelta, {
      succeeded: seen.reduce((total, each) => total + each.succeeded, 0),
      failed: seen.reduce((total, each) => total + each.failed, 0),
      durations: seen.flatMap(({ durations }) => durations),
    });
  }

  /** Each attempt that has ended counts once. */
  #endingOf(job: Job, factor: number, sinceAt: number): Endings {
    const none: Endings = { succeeded: 0, failed: 0, durations: [] };
    const { id, status, attempt, startedAt, endedAt, failures } = job;
    if (isFinal(status) ? attempt === 0 : failures.at(-1)?.attempt !== attempt) return none;
    const at = endedAt ?? failures.at(-1)?.at;
    if (at === undefined || at < sinceAt) return none;
    const key = `${id} ${attempt} ${status === "succeeded"}`;
    if (this.#known.has(key)) return none;
    this.#known.add(key);
    if (this.#known.size > maxKnown) this.#known = new Set([...this.#known].slice(-maxKnown / 2));
    const durations = startedAt === undefined ? [] : [Math.max(0, at - startedAt)];
    return status === "succeeded"
      ? { succeeded: factor, failed: 0, durations }
      : { succeeded: 0, failed: factor, durations };
  }
}

/** What was seen, but no less than what the counts say: seen were a few, and by what they are the rest is divided. */
function atLeast(delta: number, { succeeded, failed, durations }: Endings): Endings {
  const total = succeeded + failed;
  if (delta <= total) return { succeeded, failed, durations };
  const part = total === 0 ? 1 : succeeded / total;
  return { succeeded: delta * part, failed: delta * (1 - part), durations };
}

/** Some of many, evenly. */
function pick(ids: readonly string[], count: number): readonly string[] {
  if (ids.length <= count) return ids;
  return Array.from({ length: count }, (_, index) => ids[Math.floor((index * ids.length) / count)]!);
}
