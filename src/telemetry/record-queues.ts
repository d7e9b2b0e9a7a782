import type { Broker } from "../tasks/broker.ts";
import { jobStatuses } from "../tasks/job.ts";
import { attribute, system } from "./attributes.ts";
import type { MeterLike, ObserverLike } from "./meter-like.ts";
import { samplerOf } from "./queue-sampler.ts";

/** Tells of the queues of some brokers, whenever somebody wants to know. @returns ends it */
export function recordQueues<G>(meter: MeterLike<G>, brokers: () => readonly Broker[]): () => void {
  const jobs = meter.createObservableGauge("afterword.queue.jobs", {
    description: "Jobs that a queue has, by their status. All processes tell the same.",
    unit: "{job}",
  });
  const oldest = meter.createObservableGauge("afterword.queue.oldest.age", {
    description: "How long the oldest job of a queue has waited that could run; 0 when none waits.",
    unit: "s",
  });
  const paused = meter.createObservableGauge("afterword.queue.paused", {
    description: "1 while a queue is held.",
    unit: "{queue}",
  });
  const age = meter.createObservableGauge("afterword.queue.sample.age", {
    description: "How old the figures of a broker's queues are. It grows while the broker is away.",
    unit: "s",
  });
  const observe = async (observer: ObserverLike<G>): Promise<void> => {
    const able = brokers().filter(({ supports }) => supports.has("list"));
    const samples = await Promise.all(able.map((broker) => samplerOf(broker).sample()));
    for (const [index, sample] of samples.entries()) {
      if (sample === undefined) continue;
      const common = { [attribute.system]: system, [attribute.broker]: able[index]!.name };
      observer.observe(age, Math.max(0, Date.now() - sample.at) / 1_000, common);
      for (const counts of sample.queues) {
        const attributes = { ...common, [attribute.queue]: counts.queue };
        for (const status of jobStatuses)
          observer.observe(jobs, counts[status], { ...attributes, [attribute.status]: status });
        const since = counts.oldestQueuedAt;
        observer.observe(oldest, since === undefined ? 0 : Math.max(0, Date.now() - since) / 1_000, attributes);
        observer.observe(paused, counts.isPaused ? 1 : 0, attributes);
      }
    }
  };
  const gauges = [jobs, oldest, paused, age];
  meter.addBatchObservableCallback(observe, gauges);
  return () => meter.removeBatchObservableCallback(observe, gauges);
}
