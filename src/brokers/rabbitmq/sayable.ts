import type { Options } from "amqplib";

/** The client writes headers into a buffer of 64 KiB, and refuses those that are longer. */
const maxHeaderBytes = 60_000;
const maxNameBytes = 255;
const maxDepth = 300;
const minInteger = -(2 ** 63);
const maxInstant = 2 ** 64;
/** What RabbitMQ takes for queues that are to get a copy. */
const copyHeaders: ReadonlySet<string> = new Set(["CC", "BCC"]);

/**
 * What a message is sent with, of what somebody else may have made: the client throws at values that it can read and cannot write,
 * and a message that nobody can pass on would be looked at forever. Numbers and tables that it would misunderstand are written so that
 * they arrive as they are; what has no room is left out, the longest first. A message that is passed on is copied to nobody.
 */
export function toSayable(options: Options.Publish): Options.Publish {
  const { headers, correlationId, replyTo, timestamp, ...others } = options;
  return {
    ...others,
    ...(headers !== undefined && { headers: toHeaders(headers as Headers) }),
    ...(isShortText(correlationId) && { correlationId }),
    ...(isShortText(replyTo) && { replyTo }),
    ...(Number.isSafeInteger(timestamp) && Number(timestamp) >= 0 && { timestamp }),
  } as Options.Publish;
}

type Headers = Readonly<Record<string, unknown>>;

function toHeaders(headers: Headers): Headers {
  if (isPlain(headers)) return headers;
  const written = Object.entries(headers)
    .filter(([name, value]) => isSayableName(name) && !copyHeaders.has(name) && value !== undefined)
    .map(([name, value]) => [name, toValue(value, 0)] as const);
  const sizes = new Map(written.map(([name, value]) => [name, sizeOf(name) + sizeOf(value)]));
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const [name, size] of [...sizes].toSorted(([, one], [, two]) => two - one)) {
    if (total <= maxHeaderBytes) break;
    if (isNeeded(name)) continue;
    total -= size;
    sizes.delete(name);
  }
  return Object.fromEntries(written.filter(([name]) => sizes.has(name)));
}

/** Without it the message would be another one: rather the client throws. */
function isNeeded(name: string): boolean {
  return name === "id" || name === "task" || name.startsWith("afterword");
}

/** Whether nothing is to be done, as with almost all headers. */
function isPlain(headers: Headers): boolean {
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name];
    if (copyHeaders.has(name) || name.length > maxNameBytes / 3) return false;
    if (!(Array.isArray(value) ? value.length < 10 && value.every(isSmall) : isSmall(value) || isText(value)))
      return false;
    // A letter has up to three bytes for each unit of UTF-16.
    bytes += 100 + 3 * (name.length + (isText(value) ? value.length : 0));
  }
  return bytes <= maxHeaderBytes;
}

function isSmall(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && value >= minInteger;
  return value === null || value === undefined || typeof value === "boolean";
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function toValue(value: unknown, depth: number): unknown {
  if (typeof value === "number") return toNumber(value);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  if (depth >= maxDepth) return null;
  if (Array.isArray(value)) return value.map((item) => toValue(item, depth + 1));
  if (Object.hasOwn(value, "!")) {
    if (isInstant(value as Headers) || isDecimal(value as Headers)) return value;
    // By an own property of this name the client would take it for a value of a type.
    return Object.create(toTable(value, depth)) as object;
  }
  return toTable(value, depth);
}

function toTable(value: object, depth: number): object {
  const members = Object.entries(value).filter(([name]) => isSayableName(name));
  return Object.fromEntries(members.map(([name, member]) => [name, toValue(member, depth + 1)]));
}

/** The client takes for an integer what is below all of them; of what is no number the server closes the connection. */
function toNumber(value: number): unknown {
  if (!Number.isFinite(value)) return null;
  return value < minInteger ? { "!": "double", value } : value;
}

/** As the client reads them. */
function isInstant({ "!": type, value }: Headers): boolean {
  return type === "timestamp" && Number.isInteger(value) && Number(value) >= 0 && Number(value) < maxInstant;
}

function isDecimal({ "!": type, value }: Headers): boolean {
  if (type !== "decimal" || typeof value !== "object" || value === null) return false;
  const { places, digits } = value as Headers;
  return isCount(places, 256) && isCount(digits, 2 ** 32);
}

function isCount(value: unknown, end: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < end;
}

function isSayableName(name: string): boolean {
  return Buffer.byteLength(name) <= maxNameBytes;
}

/** About as many bytes as it takes, and not fewer. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 5 + Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return 9;
  if (Buffer.isBuffer(value)) return 5 + value.length;
  let size = 5;
  // Also what it has by its prototype, as the client does.
  for (const name in value) size += 1 + Buffer.byteLength(name) + sizeOf((value as Headers)[name]);
  return size;
}

function isShortText(text: unknown): boolean {
  return isText(text) && Buffer.byteLength(text) <= maxNameBytes;
}
