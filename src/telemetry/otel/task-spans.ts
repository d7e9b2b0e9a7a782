import { context, SpanKind, trace, type Context, type Span, type Tracer } from "@opentelemetry/api";
import type { TaskMessage } from "../../background/task-channels.ts";
import { attribute } from "../attributes.ts";
import { subscribeAll } from "../subscribe.ts";
import { failSpan } from "./fail-span.ts";

/** A span for each background task that runs, under the one in which it was added: usually its request's. @returns ends it */
export function traceTasks(tracer: Tracer): () => void {
  const added = new WeakMap<TaskMessage, Context>();
  const spans = new WeakMap<TaskMessage, Span>();
  return subscribeAll({
    "task:added"(message) {
      added.set(message, context.active());
    },
    "task:started"(message) {
      const { id, name, requestId } = message;
      const span = tracer.startSpan(
        `task ${name}`,
        {
          kind: SpanKind.INTERNAL,
          attributes: {
            [attribute.task]: name,
            [attribute.taskId]: id,
            ...(requestId !== undefined && { [attribute.requestId]: requestId }),
          },
        },
        added.get(message) ?? context.active(),
      );
      spans.set(message, span);
      message.wrap((call) => context.with(trace.setSpan(context.active(), span), call));
    },
    "task:ended"(message) {
      const span = spans.get(message);
      const { outcome } = message;
      if (span === undefined || outcome === undefined) return;
      span.setAttribute(attribute.outcome, outcome.status);
      if (outcome.status === "failed") failSpan(span, outcome.error);
      span.end();
    },
  });
}
