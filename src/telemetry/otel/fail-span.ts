import { SpanStatusCode, type Span } from "@opentelemetry/api";
import { attribute, errorType } from "../attributes.ts";

/** Marks a span as failed, with the error. Whatever was thrown, this does not throw. */
export function failSpan(span: Span | undefined, error: unknown): void {
  if (span === undefined) return;
  span.setAttribute(attribute.errorType, errorType(error));
  const message = textOf(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.recordException(error instanceof Error ? error : message);
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "a value that cannot be shown";
  }
}
