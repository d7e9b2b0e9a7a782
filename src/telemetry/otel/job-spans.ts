import {
  context,
  isSpanContextValid,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import type { DeliveryMessage, JobMessage, StoreMessage } from "../../tasks/job-channels.ts";
import { attribute, isFailure, system } from "../attributes.ts";
import { subscribeAll } from "../subscribe.ts";
import { failSpan } from "./fail-span.ts";
import { readTrace, writeTrace } from "./trace-context.ts";

/** How the spans of jobs are made. */
export interface JobSpanConfig {
  readonly tracer: Tracer;
  /** Whether an attempt belongs to the trace that the job was added in, or has one of its own that links to it. */
  readonly continuesTraces: boolean;
  /** What stands in the names of spans beside the operation. */
  readonly target: "queue" | "task";
}

/**
 * Spans by the conventions of messaging: "create" where a job is added, whose context travels with it; "send" around the batch
 * that is stored; "process" around each attempt. @returns ends it
 */
export function traceJobs({ tracer, continuesTraces, target }: JobSpanConfig): () => void {
  const sends = new WeakMap<StoreMessage, Span>();
  const runs = new WeakMap<DeliveryMessage, Span>();
  const nameOf = (operation: string, job: { readonly queue: string; readonly task: string }): string =>
    `${operation} ${job[target]}`;
  return subscribeAll({
    "job:added"(message) {
      // Somebody else has given it a context: that one counts.
      if (message.meta.traceparent !== undefined) return;
      const span = tracer.startSpan(nameOf("create", message), {
        kind: SpanKind.PRODUCER,
        attributes: { ...operationAttributes("create"), ...jobAttributes(message) },
      });
      writeTrace(trace.setSpan(context.active(), span), message.meta);
      span.end();
    },
    "store:started"(message) {
      const { jobs, broker } = message;
      const [first] = jobs;
      if (first === undefined) return;
      const isOneQueue = jobs.every(({ queue }) => queue === first.queue);
      const isOneTarget = jobs.every((job) => job[target] === first[target]);
      const attributes: Attributes = { ...operationAttributes("send"), [attribute.broker]: broker };
      if (isOneQueue) attributes[attribute.queue] = first.queue;
      if (jobs.length === 1) attributes[attribute.jobId] = first.id;
      else attributes[attribute.batchSize] = jobs.length;
      const links = jobs.flatMap(({ meta }) => linkTo(readTrace(meta)));
      const name = isOneTarget ? nameOf("send", first) : "send";
      sends.set(message, tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes, links }));
    },
    "store:ended"(message) {
      const span = sends.get(message);
      if (message.error !== undefined) failSpan(span, message.error);
      span?.end();
    },
    "job:started"(message) {
      const { job, broker } = message;
      const added = readTrace(job.meta);
      const parent = continuesTraces ? added : trace.deleteSpan(added);
      const span = tracer.startSpan(
        nameOf("process", job),
        {
          kind: SpanKind.CONSUMER,
          attributes: {
            ...operationAttributes("process"),
            ...jobAttributes(message),
            [attribute.broker]: broker,
            [attribute.attempt]: job.attempt,
            [attribute.attempts]: job.attempts,
            [attribute.deliveries]: job.deliveries,
          },
          links: linkTo(added),
        },
        parent,
      );
      runs.set(message, span);
      message.wrap((call) => context.with(trace.setSpan(parent, span), call));
    },
    "job:ended"(message) {
      const span = runs.get(message);
      const { ending, error } = message;
      if (span === undefined || ending === undefined) return;
      span.setAttribute(attribute.outcome, ending.status);
      if (isFailure(ending)) failSpan(span, error);
      span.end();
    },
  });
}

function linkTo(added: Context): Link[] {
  const span = trace.getSpanContext(added);
  return span !== undefined && isSpanContextValid(span) ? [{ context: span }] : [];
}

function operationAttributes(operation: "create" | "send" | "process"): Attributes {
  return {
    [attribute.system]: system,
    [attribute.operation]: operation,
    [attribute.operationType]: operation,
  };
}

function jobAttributes({ id, queue, task, requestId }: JobMessage | DeliveryMessage): Attributes {
  return {
    [attribute.queue]: queue,
    [attribute.jobId]: id,
    [attribute.task]: task,
    ...(requestId !== undefined && { [attribute.requestId]: requestId }),
  };
}
