import type { Ledger } from "./clients.ts";
import type { Journal, Run } from "./journal.ts";
import type { Damage, Kill } from "./monkey.ts";
import type { OutageDamage } from "./outages.ts";
import type { Effect } from "./stores/chaos-store.ts";

/** Everything that a run has seen. */
export interface Evidence {
  readonly leaseMs: number;
  readonly ledger: Ledger;
  readonly damage: Damage;
  /** What was done to the server of the store, if there is one. */
  readonly outages: OutageDamage | undefined;
  readonly journal: Journal;
  readonly effects: readonly Effect[];
  /** Jobs that had not ended when the killing was over. */
  readonly backlog: number;
  /** Those of them that never did. */
  readonly unfinished: number;
  readonly maxOverdueMs: number;
  /** So long that may be. */
  readonly overdueLimitMs: number;
  readonly failedStarts: number;
  readonly startTimes: readonly number[];
  readonly crashes: readonly string[];
}

export interface ChaosReport {
  readonly figures: Readonly<Record<string, number | string>>;
  /** The promises that were broken, as sentences: must be empty. */
  readonly broken: readonly string[];
}

/** An answer that says that the store is away comes within two seconds; a busy machine has as much time again. */
const maxRefusalMs = 4_000;

export function toReport(evidence: Evidence): ChaosReport {
  const { ledger, damage, journal, effects, leaseMs } = evidence;
  const recoveries = (hadOthers: boolean): number[] =>
    damage.ofWorkers.flatMap((kill) =>
      kill.hadOthers === hadOthers ? recoveryTimes(kill, journal.runs, evidence.outages) : [],
    );
  const takenOver = recoveries(true);
  const afterStart = recoveries(false);
  const { kills } = damage;
  return {
    figures: {
      requests: ledger.requests,
      "2xx read to the end": ledger.confirmed.size,
      "states of jobs read": ledger.looks,
      "answers 503": ledger.refused.get(503) ?? 0,
      "slowest answer 503, ms": Math.round(ledger.slowestRefusalMs),
      "requests that hung": ledger.hung,
      "no complete answer": ledger.broken,
      "server kills": kills.server,
      "worker kills": kills.worker,
      "kills of starting processes": kills.starting,
      "blows that killed all that served": kills.all,
      "worker stops": damage.stops,
      "stops in a transaction": damage.stopsInTransaction,
      ...(evidence.outages && outageFigures(evidence.outages, evidence.failedStarts)),
      jobs: new Set(effects.map(({ id }) => id)).size,
      "jobs that waited when the killing was over": evidence.backlog,
      executions: journal.runs.length,
      "jobs run more than once for one attempt": repeated(journal.runs),
      "stale endings refused, leases lost": journal.troubles.get("lease_lost") ?? 0,
      "other troubles told to onError": sum([...journal.troubles.values()]) - (journal.troubles.get("lease_lost") ?? 0),
      lost: lost(evidence).length,
      "ended twice": endedTwice(effects).length,
      "ended by somebody else than the holder": endedByOthers(effects).length,
      "longest time as running after the lease, ms": Math.round(evidence.maxOverdueMs),
      "lease, ms": leaseMs,
      "jobs of killed workers, others serving": takenOver.length,
      "recovery p50, ms": percentile(takenOver, 50),
      "recovery p99, ms": percentile(takenOver, 99),
      "jobs of killed workers, nobody serving": afterStart.length,
      "recovery with the start of a process p50, ms": percentile(afterStart, 50),
      "recovery with the start of a process p99, ms": percentile(afterStart, 99),
      "start of a process p50, ms": percentile(evidence.startTimes, 50),
    },
    broken: brokenPromises(evidence),
  };
}

function brokenPromises(evidence: Evidence): string[] {
  const { effects, journal, ledger, damage } = evidence;
  const broken = lost(evidence);
  const ran = new Set(journal.runs.map(({ id }) => id));
  for (const id of ledger.confirmed) if (!ran.has(id)) broken.push(`${id} was confirmed and never ran`);
  broken.push(...effectFaults(effects));
  for (const { id, state, error } of effects)
    if (state !== "succeeded") broken.push(`${id} ended as ${state}${error === null ? "" : ` (${error})`}`);
  for (const { jobs, pid } of damage.ofWorkers)
    for (const id of jobs)
      // Its last words may be carried out by a server when it is dead already.
      if (!journal.runs.some((run) => run.id === id && run.pid !== pid) && !hasEndedBy(effects, id, pid))
        broken.push(`${id} was in the hands of a worker that was killed, and did not run again`);
  if (evidence.unfinished > 0) broken.push(`${evidence.unfinished} jobs have not ended`);
  for (const id of ledger.unknown) broken.push(`${id} was confirmed, and then it was not known`);
  for (const [status, count] of ledger.refused)
    if (status !== 503) broken.push(`${count} requests were answered with ${status}`);
  if (evidence.outages) broken.push(...evidence.outages.faults, ...waitedInVain(ledger));
  if (evidence.maxOverdueMs > evidence.overdueLimitMs)
    broken.push(
      `A job was running for ${Math.round(evidence.maxOverdueMs)} ms after its lease, while others could take it back`,
    );
  broken.push(...evidence.crashes);
  return broken;
}

/** Where no function blocks those that answer, an answer comes soon, whatever it says. */
function waitedInVain({ hung, slowestRefusalMs }: Ledger): string[] {
  return [
    ...(hung > 0 ? [`${hung} requests were not answered`] : []),
    ...(slowestRefusalMs > maxRefusalMs ? [`An answer 503 took ${Math.round(slowestRefusalMs)} ms`] : []),
  ];
}

function outageFigures(outages: OutageDamage, failedStarts: number): Readonly<Record<string, number | string>> {
  return {
    "kills of the store's server": outages.kills,
    "shutdowns of it": outages.shutdowns,
    "freezes of it": outages.freezes,
    "outages without other kills": outages.quiet,
    "away in all, ms": sum(outages.times.map(({ from, to }) => to - from)),
    "until all processes went on, at most, ms": percentile(outages.recoveries, 100),
    "starts that failed while it was away": failedStarts,
  };
}

function hasEndedBy(effects: readonly Effect[], id: string, pid: number): boolean {
  return effects.some((effect) => effect.id === id && effect.author === pid);
}

/** What is wrong with the endings themselves. */
export function effectFaults(effects: readonly Effect[]): string[] {
  return [...endedTwice(effects), ...endedByOthers(effects)];
}

function lost({ ledger, effects }: Evidence): string[] {
  const ended = new Set(effects.map(({ id }) => id));
  return [...ledger.confirmed].filter((id) => !ended.has(id)).map((id) => `${id} was confirmed and is lost`);
}

function endedTwice(effects: readonly Effect[]): string[] {
  const counts = new Map<string, number>();
  for (const { id } of effects) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(([id, count]) => `${id} ended ${count} times`);
}

function endedByOthers(effects: readonly Effect[]): string[] {
  return effects
    .filter(({ state, holder, author }) => state === "succeeded" && holder !== author)
    .map(({ id, holder, author }) => `${id} was held by process ${holder} and ended by process ${author}`);
}

function repeated(runs: readonly Run[]): number {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { id, attempt } of runs) {
    const key = `${id} ${attempt}`;
    if (seen.has(key)) repeated.add(id);
    seen.add(key);
  }
  return repeated.size;
}

/** From the kill until each of its jobs ran elsewhere, if the store was there all the time. */
function recoveryTimes({ jobs, at, pid }: Kill, runs: readonly Run[], outages: OutageDamage | undefined): number[] {
  return jobs.flatMap((id) => {
    const next = runs.find((run) => run.id === id && run.at >= at && run.pid !== pid);
    const wasAway = outages?.times.some(({ from, to }) => next !== undefined && from < next.at && at < to);
    return next === undefined || wasAway ? [] : [next.at - at];
  });
}

function sum(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function percentile(values: readonly number[], percent: number): number | string {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? "none";
}
