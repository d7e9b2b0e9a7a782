import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { MeterLike, ObserverLike } from "./meter-like.ts";

const resolutionMs = 10;

/**
 * Tells how late the event loop of this process is, by OpenTelemetry's conventions for Node: the timer's own 10 ms are in the
 * delays. Each figure is about the time since it was asked for before. @returns ends it
 */
export function recordEventLoop<G>(meter: MeterLike<G>): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const figures = {
    mean: () => delay.mean,
    max: () => delay.max,
    p50: () => delay.percentile(50),
    p90: () => delay.percentile(90),
    p99: () => delay.percentile(99),
  };
  const delays = Object.entries(figures).map(([name, figure]) => ({
    figure,
    gauge: meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, {
      description: `Event loop ${name} delay.`,
      unit: "s",
    }),
  }));
  const utilization = meter.createObservableGauge("nodejs.eventloop.utilization", {
    description: "Event loop utilization.",
    unit: "1",
  });
  let last = performance.eventLoopUtilization();
  const observe = (observer: ObserverLike<G>): void => {
    // Before its first tick there is nothing to tell.
    if (delay.count > 0) for (const { figure, gauge } of delays) observer.observe(gauge, figure() / 1e9);
    delay.reset();
    const now = performance.eventLoopUtilization();
    observer.observe(utilization, performance.eventLoopUtilization(now, last).utilization);
    last = now;
  };
  const gauges = [...delays.map(({ gauge }) => gauge), utilization];
  meter.addBatchObservableCallback(observe, gauges);
  return () => {
    meter.removeBatchObservableCallback(observe, gauges);
    delay.disable();
  };
}
