/** What a value is told apart by. */
export type MetricAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What an instrument is. */
export interface MetricOptions {
  readonly description: string;
  /** By UCUM: `"s"`, `"{job}"`. */
  readonly unit: string;
  readonly advice?: { readonly explicitBucketBoundaries: number[] };
}

export interface AdderLike {
  add(value: number, attributes: MetricAttributes): void;
}

export interface RecorderLike {
  record(value: number, attributes: MetricAttributes): void;
}

/** Told of the values of gauges, when somebody wants to know them. */
export interface ObserverLike<G> {
  observe(gauge: G, value: number, attributes?: MetricAttributes): void;
}

export type ObserveLike<G> = (observer: ObserverLike<G>) => void | Promise<void>;

/**
 * What makes instruments: what is used of OpenTelemetry's `Meter`. The metrics page has one of its own, so that both show the same.
 *
 * @typeParam G - its gauges
 */
export interface MeterLike<G = unknown> {
  createCounter(name: string, options: MetricOptions): AdderLike;
  createUpDownCounter(name: string, options: MetricOptions): AdderLike;
  createHistogram(name: string, options: MetricOptions): RecorderLike;
  createObservableGauge(name: string, options: MetricOptions): G;
  addBatchObservableCallback(observe: ObserveLike<G>, gauges: G[]): void;
  removeBatchObservableCallback(observe: ObserveLike<G>, gauges: G[]): void;
}
