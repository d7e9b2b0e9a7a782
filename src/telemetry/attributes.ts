import type { Ending } from "../tasks/ending.ts";

/** The names of attributes of spans and metrics: OpenTelemetry's semantic conventions of messaging, and what they lack. */
export const attribute = {
  system: "messaging.system",
  operation: "messaging.operation.name",
  operationType: "messaging.operation.type",
  queue: "messaging.destination.name",
  jobId: "messaging.message.id",
  batchSize: "messaging.batch.message_count",
  errorType: "error.type",
  task: "afterword.task.name",
  taskId: "afterword.task.id",
  requestId: "afterword.request.id",
  broker: "afterword.broker",
  attempt: "afterword.job.attempt",
  attempts: "afterword.job.attempts",
  deliveries: "afterword.job.deliveries",
  status: "afterword.job.status",
  outcome: "afterword.outcome",
} as const;

/** The name of the messaging system, whatever the broker: what is sent are jobs of this package. */
export const system = "afterword";

/** Whether an attempt that ended so has failed. */
export function isFailure(ending: Ending): boolean {
  return ending.status === "failed" || ending.status === "retry";
}

/** What kind of error it is, from a small set: its code, else the name of its class, else `"_OTHER"`. */
export function errorType(error: unknown): string {
  try {
    const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
    if (typeof code === "string" && code !== "") return code;
    if (error instanceof Error && typeof name === "string" && name !== "") return name;
  } catch {
    // A Proxy may throw at any question.
  }
  return "_OTHER";
}
