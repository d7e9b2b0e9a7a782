import {
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
} from "@opentelemetry/api";

/**
 * Writes the trace of a context into the texts that travel with a job: by the propagator that the program has registered, and always as
 * W3C Trace Context, which workers of other languages read.
 */
export function writeTrace(context: Context, meta: Record<string, string>): void {
  propagation.inject(context, meta);
  const span = trace.getSpanContext(context);
  if (meta.traceparent !== undefined || span === undefined || !isSpanContextValid(span)) return;
  meta.traceparent = `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 0xff).toString(16).padStart(2, "0")}`;
  const state = span.traceState?.serialize();
  if (state !== undefined && state !== "") meta.tracestate = state;
}

/** The context that {@link writeTrace} has written; one without a span if there is none that can be read. */
export function readTrace(meta: Readonly<Record<string, string>>): Context {
  const context = propagation.extract(ROOT_CONTEXT, meta);
  if (trace.getSpanContext(context) !== undefined) return context;
  const span = parseTraceparent(meta.traceparent);
  return span === undefined ? context : trace.setSpanContext(context, span);
}

// https://www.w3.org/TR/trace-context/#traceparent-header: later versions may have more behind the flags.
const pattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = pattern.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || (version === "00" && more !== undefined)) return undefined;
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags!, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(span) ? span : undefined;
}
