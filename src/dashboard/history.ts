import type { HistoryAnswer, HistoryPoint } from "./dashboard-types.ts";

/** What was seen between two samples. */
export interface Sighting {
  readonly at: number;
  /** How long it took from the sample before. */
  readonly forMs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of the attempts that were looked at, in milliseconds. */
  readonly durations: readonly number[];
  readonly queued: number | undefined;
  readonly running: number | undefined;
  readonly oldestMs: number | undefined;
}

const maxSeconds = 300;
const maxMinutes = 1_440;
const minuteMs = 60_000;
/** So many durations of a minute are kept. */
const maxDurations = 600;

/** The recent past, in memory: some minutes in detail, a day by the minute. */
export class History {
  #seconds: HistoryPoint[] = [];
  #minutes: HistoryPoint[] = [];
  /** The sightings of the minute that runs. */
  #open: Sighting[] = [];

  add(sighting: Sighting): HistoryPoint {
    const point = toPoint([sighting]);
    this.#seconds.push(point);
    if (this.#seconds.length > maxSeconds) this.#seconds = this.#seconds.slice(-maxSeconds);
    const first = this.#open[0];
    if (first !== undefined && minuteOf(first) !== minuteOf(sighting)) {
      this.#minutes.push(toPoint(this.#open));
      if (this.#minutes.length > maxMinutes) this.#minutes = this.#minutes.slice(-maxMinutes);
      this.#open = [];
    }
    this.#open.push(sighting);
    return point;
  }

  /** What there is, the minute that runs included. */
  all(): HistoryAnswer {
    return {
      seconds: this.#seconds,
      minutes: this.#open.length === 0 ? this.#minutes : [...this.#minutes, toPoint(this.#open)],
    };
  }
}

function minuteOf({ at }: Sighting): number {
  return Math.floor(at / minuteMs);
}

/** One point for a stretch of time: rates over all of it, levels as they were at its end, the oldest job at its worst. */
function toPoint(sightings: readonly Sighting[]): HistoryPoint {
  const { at, queued, running } = sightings.at(-1)!;
  const seconds = sum(sightings.map(({ forMs }) => forMs)) / 1_000;
  const rate = (count: number): number => (seconds === 0 ? 0 : count / seconds);
  const durations = sightings
    .flatMap((sighting) => sighting.durations)
    .slice(-maxDurations)
    .toSorted((a, b) => a - b);
  const ages = sightings.map(({ oldestMs }) => oldestMs).filter((age) => age !== undefined);
  return {
    at,
    succeeded: rate(sum(sightings.map(({ succeeded }) => succeeded))),
    failed: rate(sum(sightings.map(({ failed }) => failed))),
    p50: quantile(durations, 0.5),
    p95: quantile(durations, 0.95),
    queued: queued ?? null,
    running: running ?? null,
    oldestMs: ages.length === 0 ? (queued === undefined ? null : 0) : Math.max(...ages),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** @param sorted - ascending */
export function quantile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}
