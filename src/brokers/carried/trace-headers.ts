import type { JsonObject } from "../../celery/json.ts";

/** The trace that a job belongs to, in the headers that every tracer of Celery's reads and writes: W3C Trace Context. */
const names = ["traceparent", "tracestate"] as const;

export function toTraceHeaders(meta: Readonly<Record<string, string>>): JsonObject {
  const headers: { [name: string]: string } = {};
  for (const name of names) if (meta[name] !== undefined) headers[name] = meta[name];
  return headers;
}

/** What is known of a job, and the trace of whoever has sent the message last: a program between may have renewed it. */
export function withTraceHeaders(
  meta: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, string>> {
  const { traceparent, tracestate } = headers ?? {};
  if (typeof traceparent !== "string" || traceparent === meta.traceparent) return meta;
  const { tracestate: _, ...rest } = meta;
  return { ...rest, traceparent, ...(typeof tracestate === "string" && { tracestate }) };
}
