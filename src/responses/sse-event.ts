import { AfterwordError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import { toJsonText } from "./json-text.ts";

/** One server-sent event. With a comment or `retry` alone, the client's listeners hear nothing. */
export interface SseEvent {
  /** A string is sent as it is, line by line; everything else as JSON. */
  readonly data?: unknown;
  /** Which listener hears it: `source.addEventListener("price", …)`. One line. @defaultValue `"message"` to the browser */
  readonly event?: string | undefined;
  /** The browser sends it back as `Last-Event-ID` when it connects again. One line. */
  readonly id?: string | undefined;
  /** How long the browser waits before it connects again. */
  readonly retry?: Duration | undefined;
  /** For people who read the stream: clients skip it. */
  readonly comment?: string | undefined;
}

const lineBreak = /\r\n|\r|\n/;

/**
 * An event in the form of the HTML standard, section 9.2.6, with the empty line that ends it.
 *
 * @throws {AfterwordError} with code `invalid_event`
 */
export function formatSseEvent(item: string | SseEvent): string {
  if (typeof item === "string") return `${formatField("data", item)}\n`;
  if (typeof item !== "object" || item === null)
    throw invalidEvent(
      `An event must be a string or { data, event, id, retry, comment }, but got ${formatValue(item)}.`,
    );
  const { data, event, id, retry, comment } = item;
  let text = "";
  if (comment !== undefined) text += formatField("", comment);
  if (event !== undefined) text += formatField("event", assertOneLine("event", event));
  if (id !== undefined) text += formatField("id", assertOneLine("id", id));
  if (retry !== undefined) text += `retry: ${Math.round(parseDuration(retry, "retry"))}\n`;
  if (data !== undefined) text += formatField("data", typeof data === "string" ? data : toJsonText(data));
  // A browser drops an event that has no data at all.
  else if (event !== undefined) text += "data: \n";
  if (text === "")
    throw invalidEvent(
      `An event needs data, a comment, an id or retry, but got ${formatValue(item)}. An object to send goes under data: { data: … }.`,
    );
  return `${text}\n`;
}

function formatField(name: string, value: string): string {
  let text = "";
  for (const line of String(value).split(lineBreak)) text += `${name}: ${line}\n`;
  return text;
}

function assertOneLine(name: "event" | "id", value: unknown): string {
  // A browser ignores an id with a NUL, so it could not be resumed.
  if (typeof value === "string" && !/[\r\n\0]/.test(value)) return value;
  throw invalidEvent(`The ${name} of a server-sent event must be a string of one line, but got ${formatValue(value)}.`);
}

function invalidEvent(message: string): AfterwordError {
  return new AfterwordError("invalid_event", message);
}
