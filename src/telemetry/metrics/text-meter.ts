import type {
  AdderLike,
  MeterLike,
  MetricAttributes,
  MetricOptions,
  ObserveLike,
  ObserverLike,
  RecorderLike,
} from "../meter-like.ts";
import { formatHead, formatLabels, formatNumber, formatSample, toMetricName, withLabel } from "./text-format.ts";
import type { MetricType } from "./text-format.ts";

/** So many series an instrument has at most; names that are made up while the program runs share one more. */
const maxSeries = 1_000;
const overflow = formatLabels({ "otel.metric.overflow": true });

/** The series of one metric, by their labels. */
abstract class Instrument<T> {
  readonly name: string;
  readonly #head: string;
  protected readonly series: Map<string, T> = new Map();

  constructor(name: string, { unit, description }: MetricOptions, type: MetricType) {
    this.name = toMetricName(name, unit, type);
    this.#head = formatHead(this.name, type, description);
  }

  /** Its lines; none while it has no series. */
  format(): string {
    if (this.series.size === 0) return "";
    return this.#head + Array.from(this.series, ([labels, value]) => this.formatSeries(labels, value)).join("");
  }

  protected abstract formatSeries(labels: string, value: T): string;

  protected keyOf(attributes: MetricAttributes): string {
    const labels = formatLabels(attributes);
    return this.series.size < maxSeries || this.series.has(labels) ? labels : overflow;
  }
}

/** A number for each series. */
class NumberInstrument extends Instrument<number> implements AdderLike {
  add(value: number, attributes: MetricAttributes): void {
    const key = this.keyOf(attributes);
    this.series.set(key, (this.series.get(key) ?? 0) + value);
  }

  set(value: number, attributes: MetricAttributes): void {
    this.series.set(this.keyOf(attributes), value);
  }

  clear(): void {
    this.series.clear();
  }

  protected override formatSeries(labels: string, value: number): string {
    return formatSample(this.name, labels, value);
  }
}

interface Distribution {
  /** How many values fell into each bucket; the last one has no bound. */
  readonly counts: number[];
  sum: number;
}

class HistogramInstrument extends Instrument<Distribution> implements RecorderLike {
  readonly #bounds: readonly number[];

  constructor(name: string, options: MetricOptions) {
    super(name, options, "histogram");
    this.#bounds = options.advice?.explicitBucketBoundaries ?? [];
  }

  record(value: number, attributes: MetricAttributes): void {
    const key = this.keyOf(attributes);
    let distribution = this.series.get(key);
    if (distribution === undefined) {
      distribution = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.series.set(key, distribution);
    }
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    distribution.counts[bucket === -1 ? this.#bounds.length : bucket]! += 1;
    distribution.sum += value;
  }

  protected override formatSeries(labels: string, { counts, sum }: Distribution): string {
    let total = 0;
    let text = "";
    for (const [index, count] of counts.entries()) {
      total += count;
      const bound = withLabel(labels, "le", formatNumber(this.#bounds[index] ?? Infinity));
      text += formatSample(`${this.name}_bucket`, bound, total);
    }
    return text + formatSample(`${this.name}_sum`, labels, sum) + formatSample(`${this.name}_count`, labels, total);
  }
}

/** A meter whose instruments can be read as Prometheus' text format. */
export class TextMeter implements MeterLike<NumberInstrument> {
  readonly #instruments: { format(): string }[] = [];
  readonly #observers = new Map<ObserveLike<NumberInstrument>, readonly NumberInstrument[]>();

  createCounter(name: string, options: MetricOptions): AdderLike {
    return this.#keep(new NumberInstrument(name, options, "counter"));
  }

  createUpDownCounter(name: string, options: MetricOptions): AdderLike {
    return this.#keep(new NumberInstrument(name, options, "gauge"));
  }

  createHistogram(name: string, options: MetricOptions): RecorderLike {
    return this.#keep(new HistogramInstrument(name, options));
  }

  createObservableGauge(name: string, options: MetricOptions): NumberInstrument {
    return this.#keep(new NumberInstrument(name, options, "gauge"));
  }

  addBatchObservableCallback(observe: ObserveLike<NumberInstrument>, gauges: NumberInstrument[]): void {
    this.#observers.set(observe, gauges);
  }

  removeBatchObservableCallback(observe: ObserveLike<NumberInstrument>, _gauges: NumberInstrument[]): void {
    this.#observers.delete(observe);
  }

  /** Asks for the values of gauges, and gives all that is known. */
  async format(): Promise<string> {
    await Promise.all(Array.from(this.#observers, ([observe, gauges]) => refresh(observe, gauges)));
    return this.#instruments.map((instrument) => instrument.format()).join("");
  }

  #keep<T extends { format(): string }>(instrument: T): T {
    this.#instruments.push(instrument);
    return instrument;
  }
}

/** The series of a gauge are those of now: a queue that is gone is not told of any more. */
async function refresh(observe: ObserveLike<NumberInstrument>, gauges: readonly NumberInstrument[]): Promise<void> {
  const values: (() => void)[] = [];
  const observer: ObserverLike<NumberInstrument> = {
    observe: (gauge, value, attributes = {}) => void values.push(() => gauge.set(value, attributes)),
  };
  await observe(observer);
  for (const gauge of gauges) gauge.clear();
  for (const set of values) set();
}
