import * as fc from "fast-check";

/** A request as a test makes it up. Its texts are of bytes, one for each character. */
export interface MadeRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const boundary = "XbX";
const encoder = new TextEncoder();

const weird = fc.constantFrom(
  "%",
  "%ff",
  "%zz",
  "%00",
  "%2f",
  "%c0%af",
  "..",
  ".",
  "__proto__",
  "constructor",
  "+",
  "&",
  "=",
  ";",
  "[]",
  "a[b]",
  "é",
  "\ud83d\ude00",
  "",
  " ",
  "\0",
  "'",
  '"',
  "<",
  "*",
  ":id",
  "{",
  "null",
  "true",
  "NaN",
  "-0",
  "1e999",
  "9007199254740993",
);
const word = fc.oneof(
  weird,
  fc.string({ maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.integer().map(String),
  fc.constantFrom("1", "2", "on", "true", "up"),
);
const encoded = fc.oneof(
  { weight: 3, arbitrary: word.map((text) => encodeURIComponent(text.toWellFormed())) },
  { weight: 1, arbitrary: fc.constantFrom("%", "%ff", "%zz", "a%4", "%ed%a0%80", "%00", "+", "%2b") },
);
const segment = fc.oneof(fc.integer({ min: -5, max: 500 }).map(String), encoded);

const route = fc.oneof(
  { weight: 4, arbitrary: segment.map((id) => ["GET", `/texts/${id}`] as const) },
  { weight: 4, arbitrary: segment.map((id) => ["POST", `/json/${id}`] as const) },
  { weight: 3, arbitrary: fc.constant(["POST", "/any"] as const) },
  { weight: 4, arbitrary: segment.map((part) => ["POST", `/form/${part || "x"}`] as const) },
  { weight: 3, arbitrary: fc.constant(["POST", "/upload"] as const) },
  { weight: 2, arbitrary: segment.map((rest) => ["GET", `/stream/${rest}`] as const) },
  { weight: 2, arbitrary: fc.constantFrom(["GET", "/throws"] as const, ["POST", "/throws"] as const) },
  { weight: 1, arbitrary: fc.array(segment, { maxLength: 4 }).map((parts) => ["GET", `/${parts.join("/")}`] as const) },
);
const otherMethod = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "PROPFIND");

const queryName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("tags", "flag", "limit", "sort") },
  { weight: 1, arbitrary: encoded },
);
const queryValue = fc.oneof(fc.constantFrom("1", "10", "true", "up", "a"), encoded);
const queryText = fc
  .array(fc.tuple(queryName, fc.option(queryValue)), { maxLength: 5 })
  .map((pairs) => pairs.map(([name, value]) => (value === null ? name : `${name}=${value}`)).join("&"));

/** What may stand in a header, without spaces at its ends. */
const headerValue = fc.oneof(
  fc.constantFrom("1", "1.5", "a", "1,2", "1,,x", ",", "true"),
  fc
    .array(
      fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
      { maxLength: 20 },
    )
    .map((codes) => String.fromCharCode(...codes).trim()),
);
const cookies = fc.oneof(
  fc.constantFrom(
    "session=ab",
    "session=a",
    "session=%",
    "session=%ff; session=b",
    "__proto__=1; session=abc",
    ";;=;",
    "session",
  ),
  headerValue,
);
const header = fc.oneof(
  fc.tuple(fc.constantFrom("ratio", "x-list", "x-request-id", "x-odd"), headerValue),
  fc.tuple(fc.constant("cookie"), cookies),
  fc.constantFrom(
    ["x-token", "refused"] as const,
    ["x-token", "fine"] as const,
    ["content-encoding", "gzip"] as const,
    ["accept", "*/*"] as const,
  ),
);

interface Content {
  readonly type: string | undefined;
  readonly bytes: Uint8Array;
}

const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("n", "s", "nested", "name", "age", "tags") },
  { weight: 1, arbitrary: word },
);
const jsonValue = fc.oneof(
  fc.record(
    {
      n: fc.oneof(fc.double(), fc.string()),
      s: fc.string(),
      nested: fc.dictionary(word, fc.array(fc.integer(), { maxLength: 2 }), { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
  fc.constant({ n: 1 }),
);
const jsonContent = fc
  .tuple(
    jsonValue,
    fc.constantFrom("", "", "", "{", "\ufeff", '{"__proto__":{"polluted":1}}'),
    fc.constantFrom("application/json", "application/json; charset=utf-8", "application/x+json"),
  )
  .map(([value, before, type]): Content => ({ type, bytes: encoder.encode(before + JSON.stringify(value)) }));
const urlContent = fc
  .array(
    fc.tuple(
      fc.oneof(
        key.map((text) => encodeURIComponent(text.toWellFormed())),
        encoded,
      ),
      encoded,
    ),
    { maxLength: 6 },
  )
  .map((pairs): Content => ({
    type: "application/x-www-form-urlencoded",
    bytes: encoder.encode(pairs.map(([name, value]) => `${name}=${value}`).join("&")),
  }));

const part = fc
  .record({
    name: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("name", "age", "tags", "photo", "papers") },
      { weight: 1, arbitrary: word },
    ),
    filename: fc.option(fc.oneof(fc.constantFrom("a.txt", "b.png", "../../c", ""), word)),
    type: fc.option(fc.constantFrom("text/plain", "image/png", "text/plain; charset=cheese", ";")),
    content: fc.oneof(
      { weight: 8, arbitrary: word },
      { weight: 1, arbitrary: fc.integer({ min: 9_000, max: 30_000 }).map((length) => "x".repeat(length)) },
    ),
    isWhole: fc.integer({ min: 0, max: 12 }).map((number) => number > 0),
  })
  .map(({ name, filename, type, content, isWhole }) =>
    isWhole
      ? `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === null ? "" : `; filename="${filename}"`}${type === null ? "" : `\r\nContent-Type: ${type}`}\r\n\r\n${content}\r\n`
      : `--${boundary}\r\n${name}\r\n${content}`,
  );
const multipartContent = fc
  .tuple(
    fc.array(part, { maxLength: 5 }),
    fc.constantFrom("", `--${boundary}--\r\n`, `--${boundary}--\r\n`, `--${boundary}--\r\n`),
    fc.constantFrom(
      `multipart/form-data; boundary=${boundary}`,
      `multipart/form-data; boundary=${boundary}`,
      "multipart/form-data",
    ),
  )
  .map(([parts, end, type]): Content => ({ type, bytes: encoder.encode(parts.join("") + end) }));
const garbage = fc
  .tuple(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(
      undefined,
      "text/plain",
      "application/json",
      "application/x-www-form-urlencoded",
      `multipart/form-data; boundary=${boundary}`,
      ";",
    ),
  )
  .map(([bytes, type]): Content => ({ type, bytes }));
const tooLarge = fc.constantFrom<Content>(
  { type: "application/json", bytes: encoder.encode(JSON.stringify("x".repeat(20_000))) },
  { type: "application/x-www-form-urlencoded", bytes: encoder.encode(`a=${"x".repeat(20_000)}`) },
);
const content = fc.oneof(
  { weight: 4, arbitrary: jsonContent },
  { weight: 3, arbitrary: urlContent },
  { weight: 4, arbitrary: multipartContent },
  garbage,
  tooLarge,
  fc.constant(undefined),
);

/** A content that suits the route, mostly. */
function contentFor(target: string): fc.Arbitrary<Content | undefined> {
  if (target.startsWith("/json") || target.startsWith("/any"))
    return fc.oneof({ weight: 3, arbitrary: jsonContent }, content);
  if (target.startsWith("/form"))
    return fc.oneof({ weight: 4, arbitrary: fc.oneof(multipartContent, urlContent) }, content);
  if (target.startsWith("/upload")) return fc.oneof({ weight: 4, arbitrary: multipartContent }, content);
  return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, content);
}

const jsonType = ["content-type", "application/json"] as const;
const formType = ["content-type", `multipart/form-data; boundary=${boundary}`] as const;

function encodeForm(fields: readonly (readonly [disposition: string, content: string])[]): Uint8Array<ArrayBuffer> {
  const parts = fields.map(
    ([name, content]) => `--${boundary}\r\nContent-Disposition: form-data; ${name}\r\n\r\n${content}\r\n`,
  );
  return encoder.encode(`${parts.join("")}--${boundary}--\r\n`);
}

/** Requests that are all right, but for what a neighbor of theirs may get wrong. */
const rightRequest = fc
  .tuple(
    fc.nat(500),
    fc.subarray(["tags=a", "tags=b%20c", "flag=on", "limit=5", "sort=up", "other=%"]),
    fc.subarray([["ratio", "1.5"] as const, ["x-list", "1,2"] as const, ["cookie", "session=ab"] as const]),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.nat(7),
  )
  .map(([id, pairs, headers, text, kind]): MadeRequest => {
    const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`;
    const json = encoder.encode(
      JSON.stringify({ n: id, s: text, nested: { [text]: [id] } }).replaceAll("__proto__", "x"),
    );
    const photo = [`name="photo"; filename="p"`, text] as const;
    const form = [[`name="name"`, "n"], [`name="age"`, String(id)], photo] as const;
    const requests: [
      method: string,
      path: string,
      ...sent: [readonly [string, string], Uint8Array<ArrayBuffer>] | [],
    ][] = [
      ["GET", `/texts/${id}`],
      ["PUT", `/json/${id}`, jsonType, json],
      ["POST", "/any", jsonType, json],
      ["POST", `/form/${id}`, formType, encodeForm(form)],
      ["POST", "/upload", formType, encodeForm([photo])],
      ["HEAD", `/stream/${id}`],
      ["GET", "/stream/%ff"],
      ["GET", "/throws"],
    ];
    const [method, path, type, body] = requests[kind]!;
    return { method, target: path + search, headers: type ? [...headers, type] : headers, body };
  });

const wildRequest: fc.Arbitrary<MadeRequest> = fc
  .tuple(
    route,
    fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: otherMethod }),
    queryText,
    fc.array(header, { maxLength: 4 }),
  )
  .chain(([[method, target], other, queryText, headers]) =>
    contentFor(target).map((content): MadeRequest => ({
      method: other ?? method,
      target: queryText === "" ? target : `${target}?${queryText}`,
      headers: [...headers, ...(content?.type === undefined ? [] : [["content-type", content.type] as const])],
      body: content && new Uint8Array(content.bytes),
    })),
  );

/** Requests of any method, path, query, headers and body; many fit a route of the app with every declaration. */
export const madeRequest: fc.Arbitrary<MadeRequest> = fc.oneof(
  { weight: 1, arbitrary: rightRequest },
  { weight: 2, arbitrary: wildRequest },
);
