import type { HeadersInput } from "../internal/platform.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/** Headers as a plain object with names in lower case: \@hono/node-server writes these without making a `Headers`. */
export type HeaderRecord = Readonly<Record<string, string>>;

/** A set of headers that many responses share. Frozen, so that nobody can change it for all of them. */
export function sharedHeaders(headers: HeaderRecord): HeaderRecord {
  return Object.freeze(headers);
}

/**
 * The headers of a response: `given` before `defaults`. Plain as long as that can be.
 *
 * They are checked here because \@hono/node-server hands a plain object to Node as it is: Node would refuse it only when
 * the head is written, and no error handler would be asked any more.
 *
 * @throws {AfterwordError} with code `invalid_header`
 */
export function mergeHeaders(defaults: HeaderRecord, given: HeadersInput | undefined): HeaderRecord | Headers {
  if (given === undefined) return defaults;
  return Symbol.iterator in given ? mergeEntries(defaults, given) : mergeRecord(defaults, given);
}

function mergeRecord(defaults: HeaderRecord, given: Readonly<Record<string, string>>): HeaderRecord {
  const merged: Record<string, string> = {};
  for (const [givenName, value] of Object.entries(given)) {
    const name = givenName.toLowerCase();
    assertHeader(name, value);
    merged[name] = Object.hasOwn(merged, name) ? `${merged[name]}, ${value}` : value;
  }
  for (const name of Object.keys(defaults)) if (!Object.hasOwn(merged, name)) merged[name] = defaults[name]!;
  return merged;
}

function mergeEntries(defaults: HeaderRecord, given: Headers | Iterable<readonly string[]>): Headers {
  const merged = new Headers();
  for (const [name, value] of given) {
    assertHeader(name, value);
    merged.append(name, value);
  }
  for (const name of Object.keys(defaults)) if (!merged.has(name)) merged.set(name, defaults[name]!);
  return merged;
}

const validName = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** What Node's `writeHead` refuses: line breaks would let a value add headers of its own. */
const invalidValue = /[^\t\x20-\x7e\x80-\xff]/;

function assertHeader(name: unknown, value: unknown): asserts name is string {
  if (typeof name !== "string" || !validName.test(name))
    throw new AfterwordError(
      "invalid_header",
      `${formatValue(name)} cannot be the name of a header: a name has letters, digits and any of !#$%&'*+-.^_\`|~.`,
    );
  if (typeof value !== "string" || invalidValue.test(value))
    throw new AfterwordError(
      "invalid_header",
      `Header "${name}" must be a string without line breaks, control characters or characters beyond Latin-1, but got ${formatValue(value)}. Encode it first, with encodeURIComponent for instance.`,
    );
}
