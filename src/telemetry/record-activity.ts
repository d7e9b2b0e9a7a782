import type { DeliveryMessage } from "../tasks/job-channels.ts";
import { attribute, errorType, isFailure, system } from "./attributes.ts";
import type { MeterLike, MetricAttributes } from "./meter-like.ts";
import { subscribeAll } from "./subscribe.ts";

/** As the conventions of messaging want them, and longer ones, since jobs may take minutes. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 900];

/** Counts and measures the background tasks and jobs of this process. @returns ends it */
export function recordActivity(meter: MeterLike): () => void {
  const stops = [recordTasks(meter), recordSending(meter), recordJobs(meter)];
  return () => stops.forEach((stop) => stop());
}

function recordTasks(meter: MeterLike): () => void {
  const pending = meter.createUpDownCounter("afterword.task.pending", {
    description: "Background tasks of this process that wait for their start.",
    unit: "{task}",
  });
  const running = meter.createUpDownCounter("afterword.task.running", {
    description: "Background tasks of this process that run.",
    unit: "{task}",
  });
  const ended = meter.createCounter("afterword.task.ended", {
    description: "Background tasks that have ended, by their outcome.",
    unit: "{task}",
  });
  const duration = histogram(meter, "afterword.task.duration", "How long the functions of background tasks took.");
  const queued = histogram(meter, "afterword.task.queued", "How long background tasks waited for their start.");
  const drained = histogram(
    meter,
    "afterword.request.drain.duration",
    "From the end of a response until its background tasks and clean-up had ended.",
  );
  /** Those that were counted as waiting or running: others were there before anybody counted. */
  const waiting = new WeakSet<object>();
  const started = new WeakSet<object>();
  const startWaiting = (message: object): void => {
    waiting.add(message);
    pending.add(1, {});
  };
  const endWaiting = (message: object): void => {
    if (waiting.delete(message)) pending.add(-1, {});
  };
  return subscribeAll({
    "task:added": startWaiting,
    "task:started"(message) {
      endWaiting(message);
      started.add(message);
      running.add(1, {});
      queued.record(message.queuedMs! / 1_000, { [attribute.task]: message.name });
    },
    "task:ended"(message) {
      endWaiting(message);
      if (started.delete(message)) running.add(-1, {});
      const { name, outcome, durationMs } = message;
      const attributes: MetricAttributes = {
        [attribute.task]: name,
        [attribute.outcome]: outcome?.status,
        ...(outcome?.status === "failed" && { [attribute.errorType]: errorType(outcome.error) }),
      };
      ended.add(1, attributes);
      if (durationMs !== undefined) duration.record(durationMs / 1_000, attributes);
    },
    "request:drained"({ durationMs }) {
      if (durationMs !== undefined) drained.record(durationMs / 1_000, {});
    },
  });
}

function recordSending(meter: MeterLike): () => void {
  const sent = meter.createCounter("messaging.client.sent.messages", {
    description: "Jobs that were handed to their broker.",
    unit: "{message}",
  });
  const duration = histogram(
    meter,
    "messaging.client.operation.duration",
    "How long it took to store a batch of jobs.",
  );
  return subscribeAll({
    "store:ended"({ broker, jobs, error, durationMs }) {
      const common: MetricAttributes = {
        [attribute.system]: system,
        [attribute.operation]: "send",
        [attribute.broker]: broker,
        ...(error !== undefined && { [attribute.errorType]: errorType(error) }),
      };
      for (const { task, queue } of jobs) sent.add(1, { ...common, [attribute.queue]: queue, [attribute.task]: task });
      duration.record(durationMs! / 1_000, { ...common, [attribute.operationType]: "send" });
    },
  });
}

function recordJobs(meter: MeterLike): () => void {
  const consumed = meter.createCounter("messaging.client.consumed.messages", {
    description: "Deliveries of jobs to a worker of this process.",
    unit: "{message}",
  });
  const running = meter.createUpDownCounter("afterword.job.running", {
    description: "Jobs that run in this process.",
    unit: "{job}",
  });
  const ended = meter.createCounter("afterword.job.ended", {
    description: "Attempts of jobs that have ended in this process, by their outcome.",
    unit: "{job}",
  });
  const duration = histogram(meter, "messaging.process.duration", "How long attempts of jobs took.");
  const started = new WeakSet<object>();
  return subscribeAll({
    "job:started"(message) {
      started.add(message);
      running.add(1, jobAttributes(message));
      consumed.add(1, jobAttributes(message));
    },
    "job:ended"(message) {
      const common = jobAttributes(message);
      if (started.delete(message)) running.add(-1, common);
      const { ending, error, durationMs } = message;
      if (ending === undefined) return;
      const attributes: MetricAttributes = {
        ...common,
        [attribute.outcome]: ending.status,
        ...(isFailure(ending) && { [attribute.errorType]: errorType(error) }),
      };
      ended.add(1, attributes);
      if (durationMs !== undefined) duration.record(durationMs / 1_000, attributes);
    },
  });
}

function jobAttributes({ broker, queue, task }: DeliveryMessage): MetricAttributes {
  return {
    [attribute.system]: system,
    [attribute.operation]: "process",
    [attribute.broker]: broker,
    [attribute.queue]: queue,
    [attribute.task]: task,
  };
}

function histogram(meter: MeterLike, name: string, description: string): ReturnType<MeterLike["createHistogram"]> {
  return meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: seconds } });
}
