import { context, propagation, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach } from "vitest";
import { instrument, type InstrumentOptions, type Instrumentation } from "afterword/otel";

/** The value of a data point: a number, or a histogram. */
export type Point = DataPoint<number | Histogram>;

/** OpenTelemetry's own SDK, with exporters that keep in memory what they are given. */
export class OtelSdk {
  readonly #exporter = new InMemorySpanExporter();
  readonly tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })],
  });
  readonly #metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#metricExporter,
    exportIntervalMillis: 2 ** 30,
    exportTimeoutMillis: 2 ** 29,
  });
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });
  #instrumentation: Instrumentation | undefined;

  instrument(options: InstrumentOptions = {}): void {
    this.#instrumentation = instrument({
      tracerProvider: this.tracerProvider,
      meterProvider: this.meterProvider,
      ...options,
    });
  }

  /** The spans that have ended, in this order. */
  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** The only span of that name. */
  span(name: string): ReadableSpan {
    const found = this.spans.filter((span) => span.name === name);
    if (found.length !== 1)
      throw new Error(
        `Expected one span "${name}", but these ended: ${this.spans.map((span) => span.name).join(", ")}`,
      );
    return found[0]!;
  }

  /** Runs `fn` in a span, as the instrumentation of a server does with a request. */
  inSpan<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    return this.tracerProvider.getTracer("test").startActiveSpan(name, async (span) => {
      try {
        return await fn();
      } finally {
        span.end();
      }
    });
  }

  /** The points of a metric, with the attributes that contain `attributes`. */
  async points(name: string, attributes: Attributes = {}): Promise<readonly Point[]> {
    this.#metricExporter.reset();
    await this.meterProvider.forceFlush();
    return this.#metricExporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as readonly Point[])
      .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value));
  }

  async close(): Promise<void> {
    this.#instrumentation?.stop();
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
  }
}

/** To be called once at the top of a test file: a new SDK for each test, with contexts and W3C's propagator registered. */
export function useOtelSdk(): { readonly current: OtelSdk } {
  let sdk: OtelSdk | undefined;
  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    sdk = new OtelSdk();
  });
  afterEach(async () => {
    await sdk?.close();
    sdk = undefined;
    context.disable();
    propagation.disable();
  });
  return {
    get current() {
      return sdk!;
    },
  };
}
