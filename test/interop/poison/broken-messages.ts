import { deflateSync, gzipSync } from "node:zlib";
import { call, dead, embed, nested, withBody, withEmbed, withHeaders, type PoisonRow } from "./row.ts";

/** Pickle that would run `os.abort()` in whoever reads it. */
const pickled = Buffer.from("cos\nabort\n(tR.");

const bodies: readonly PoisonRow[] = [
  ...[
    ["without embed, which Celery's worker dies of", [["one"], {}]],
    ["that is an empty list", []],
    ["of four parts", [["one"], {}, embed, {}]],
  ].map(([what, body]): PoisonRow => ({
    name: `a body ${what as string}`,
    message: (id) => withBody(id, body),
    fate: dead(/The body is a list of \d, and not of 3/),
  })),
  ...([null, 7, true, "text"] as const).map((body): PoisonRow => ({
    name: `a body that is ${JSON.stringify(body)}`,
    message: (id) => withBody(id, body),
    fate: dead(/The body is neither a list nor an object/),
  })),
  ...[
    ["no bytes", ""],
    ["no JSON", "[1, 2"],
    ["JSON and something behind it", `${JSON.stringify([[], {}, embed])}x`],
    ["JSON with a NUL", `${JSON.stringify([[], {}, embed])}\0`],
    ["Python's repr", "[('one',), {}, None]"],
  ].map(([what, body]): PoisonRow => ({
    name: `a body of ${what}`,
    message: (id) => call(id, { body: body! }),
    fate: dead(/The body is not JSON/),
  })),
  {
    name: "a body that is not UTF-8",
    message: (id) => call(id, { body: Buffer.from([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]) }),
    fate: dead(/The body is not the text that it says it is: "utf-8"/),
  },
  {
    name: "a body in UTF-16 that says UTF-8",
    message: (id) => call(id, { body: Buffer.from(JSON.stringify([["ä"], {}, embed]), "utf16le") }),
    fate: dead(/The body is not JSON|not the text/),
  },
  {
    name: "a body in an encoding of no name",
    message: (id) => call(id, { contentEncoding: "klingon" }),
    fate: dead(/not the text that it says it is: "klingon"/),
  },
  {
    name: "an encoding that is a number",
    message: (id) => call(id, { contentEncoding: 8 }),
    fate: dead(/not the text that it says it is: of type number/),
  },
  {
    name: "a body nested 5,000 levels deep",
    message: (id) => call(id, { body: `[${nested(5_000)}, {}, {}]` }),
    fate: dead(/nested more than 300 levels/),
  },
  {
    name: "a body nested 500,000 levels deep",
    message: (id) => call(id, { body: `[${nested(500_000)}, {}, {}]` }),
    fate: dead(/nested more than 300 levels|not JSON/),
  },
  {
    name: "a body of 2 MB",
    message: (id) => withBody(id, [["x".repeat(2 * 1_024 * 1_024)], {}, embed]),
    fate: { succeeded: 1 },
  },
  {
    name: "arguments that are no list",
    message: (id) => withBody(id, [{ one: 1 }, {}, embed]),
    fate: dead(/The body has arguments that are no list/),
  },
  {
    name: "keyword arguments that are a list",
    message: (id) => withBody(id, [[], [1], embed]),
    fate: dead(/The body has keyword arguments that are no object/),
  },
  {
    name: "an embed that is a list",
    message: (id) => withBody(id, [[], {}, [1]]),
    fate: dead(/The body has an embed that is no object/),
  },
  { name: "an embed of null", message: (id) => withBody(id, [["one"], {}, null]), fate: { succeeded: 1 } },
  { name: "an embed without members", message: (id) => withBody(id, [["one"], {}, {}]), fate: { succeeded: 1 } },
  {
    name: "numbers that JSON does not know",
    message: (id) => call(id, { body: `[[NaN, Infinity, -Infinity, 1e999], {}, {}]` }),
    fate: { succeeded: 4 },
  },
  {
    name: "half a surrogate pair in an argument and in what is shown of it",
    message: (id) =>
      call(id, {
        headers: { id, task: "poison.count", argsrepr: "('\ud800',)" },
        body: `[["\\ud800", "\\\\ud800", "\\udc00\\ud83d"], {}, {}]`,
      }),
    fate: { succeeded: 3 },
  },
  {
    name: "an argument named __proto__",
    message: (id) =>
      call(id, {
        headers: { id, task: "poison.echo" },
        body: `[[], {"__proto__": {"isAdmin": true}, "constructor": 1}, {}]`,
      }),
    fate: { succeeded: [JSON.parse(`{"__proto__": {"isAdmin": true}, "constructor": 1}`)] },
  },
];

const contents: readonly PoisonRow[] = [
  {
    name: "pickle, which is not read",
    message: (id) =>
      call(id, { body: pickled, contentType: "application/x-python-serialize", contentEncoding: "binary" }),
    fate: dead(/"application\/x-python-serialize", and only application\/json is read/),
  },
  {
    name: "pickle that says it is JSON",
    message: (id) => call(id, { body: pickled }),
    fate: dead(/The body is not JSON/),
  },
  ...["application/x-yaml", "application/x-msgpack", "text/plain"].map((contentType): PoisonRow => ({
    name: `content of type ${contentType}`,
    message: (id) => call(id, { contentType }),
    fate: dead(/only application\/json is read/),
  })),
  {
    name: "a type of content that is a number",
    message: (id) => call(id, { contentType: 1 }),
    fate: dead(/The body is of type number/),
  },
  {
    name: "no type and no encoding of the content",
    message: (id) => call(id, { contentType: null, contentEncoding: null }),
    fate: { succeeded: 1 },
  },
  ...["application/x-lzma", "application/x-bz2", "snappy", "constructor", 7].map((compression): PoisonRow => ({
    name: `compression with ${JSON.stringify(compression)}`,
    message: (id) => withHeaders(id, { compression }),
    fate: dead(/is compressed with .*, and only gzip, brotli and zstd are read/),
  })),
  {
    name: "compression with gzip that is none",
    message: (id) => withHeaders(id, { compression: "application/x-gzip" }),
    fate: dead(/The body cannot be unpacked/),
  },
  {
    name: "a few compressed bytes that are 64 MB",
    message: (id) => ({
      ...withHeaders(id, { compression: "application/x-gzip" }),
      body: deflateSync(Buffer.alloc(64 * 1_024 * 1_024, 0x20)),
    }),
    fate: dead(/more than 16777216 bytes when it is unpacked/),
  },
  {
    name: "compressed bytes that end too early",
    message: (id) => ({
      ...withHeaders(id, { compression: "application/x-gzip" }),
      body: gzipSync(JSON.stringify([["one"], {}, embed])).subarray(0, 20),
    }),
    fate: dead(/The body cannot be unpacked/),
  },
];

const signatures: readonly PoisonRow[] = [
  ...[
    ["a chord that is a word", { chord: "body" }, /The chord's body is no object/],
    ["a callback without a task", { callbacks: [{ args: [] }] }, /The callback 1 has no name of a task/],
    ["a chain of nothing", { chain: [null] }, /The step of the chain 1 is no object/],
    ["an errback that is a number", { errbacks: 7 }, /The errback is no object/],
    ["a callback with arguments that are a word", { callbacks: [{ task: "x", args: "abc" }] }, /arguments that are no/],
    ["a chord without a body", { callbacks: [{ task: "x", subtask_type: "chord", kwargs: {} }] }, /body is no object/],
  ].map(([name, changes, reason]): PoisonRow => ({
    name: name as string,
    message: (id) => withEmbed(id, changes as Record<string, unknown>),
    fate: dead(reason as RegExp),
  })),
  {
    name: "a callback whose options are of wrong types",
    message: (id) =>
      withEmbed(id, {
        callbacks: [
          {
            task: "poison.count",
            options: {
              task_id: 7,
              queue: { name: "x" },
              priority: "high",
              countdown: "soon",
              eta: 12,
              expires: {},
              group_index: -1,
              headers: "none",
              time_limit: -5,
              link: null,
            },
          },
        ],
      }),
    fate: { succeeded: 1 },
  },
  {
    name: "a group without parts, and a chain without steps, as callbacks",
    message: (id) =>
      withEmbed(id, {
        callbacks: [
          { task: "celery.group", subtask_type: "group", kwargs: { tasks: [] } },
          { task: "celery.chain", subtask_type: "chain", kwargs: { tasks: [] } },
        ],
      }),
    fate: { succeeded: 1 },
  },
  {
    name: "a part of a chord that nobody has counted",
    message: (id) => ({
      ...withEmbed(id, { chord: { task: "poison.count" } }),
      headers: { id, task: "poison.count", group: `group-of-${id}`, group_index: 3 },
    }),
    fate: { succeeded: 1 },
  },
];

export const brokenMessages: readonly PoisonRow[] = [...bodies, ...contents, ...signatures];
