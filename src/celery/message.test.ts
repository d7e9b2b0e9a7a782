import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dispatchErrbacks, dispatchSuccessors } from "./canvas.ts";
import { decodeTaskMessage } from "./decode-message.ts";
import { encodeTaskMessage } from "./encode-message.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { createTaskMessage, type ReceivedMessage } from "./message.ts";
import { taskSignature } from "./signature.ts";
import { reasonOf } from "./reason-of.fixture.ts";

const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
const valid = { headers: { id: "1", task: "resize" }, body: [["u1"], { width: 300 }, embed] as JsonValue };

function received(headers: unknown, body: JsonValue, properties: ReceivedMessage["properties"] = {}): ReceivedMessage {
  return { headers, body: Buffer.from(JSON.stringify(body)), properties };
}

function refusalOf(message: ReceivedMessage): string {
  return reasonOf(() => decodeTaskMessage(message));
}

describe("a message", () => {
  it("needs no more than an id and a task", () => {
    expect(decodeTaskMessage(received(valid.headers, valid.body))).toEqual({
      ...createTaskMessage({ id: "1", task: "resize" }),
      args: ["u1"],
      kwargs: { width: 300 },
    });
  });

  it.each([
    ["without what goes along", [["u1"], {}, null]],
    ["with nothing that goes along", [["u1"], {}, {}]],
  ])("may be %s", (_, body) => {
    expect(refusalOf(received(valid.headers, body as JsonValue))).toBe("none");
  });

  it("may mix both protocols: the headers win", () => {
    const message = decodeTaskMessage(
      received(
        { id: "1", task: "resize", retries: 2, mine: "x" },
        {
          id: "2",
          task: "other",
          args: ["u1"],
          kwargs: {},
          retries: 0,
          eta: "2026-11-24T00:00:00Z",
          callbacks: null,
          stray: 1,
        },
      ),
    );
    expect(message).toMatchObject({ id: "1", task: "resize", args: ["u1"], retries: 2, headers: { mine: "x" } });
    expect(message.eta).toBe(Date.parse("2026-11-24T00:00:00Z"));
  });

  it("of protocol 1 may be nothing but an object, with a group by its old name", () => {
    const body = { id: "2", task: "other", taskset: "g" };
    expect(decodeTaskMessage(received({}, body))).toMatchObject({
      id: "2",
      task: "other",
      args: [],
      kwargs: {},
      group: "g",
    });
    expect(decodeTaskMessage(received(undefined, body)).headers).toEqual({});
  });

  it.each([
    [deflateSync, "application/x-gzip"],
    [gzipSync, "application/x-gzip"],
    [gzipSync, "gzip"],
    [deflateSync, "zlib"],
  ])("may be compressed", (compress, compression) => {
    const body = compress(JSON.stringify(valid.body));
    const message = decodeTaskMessage({ headers: { ...valid.headers, compression }, body });
    expect(message).toMatchObject({ args: ["u1"], headers: {} });
  });

  it("may be in another encoding", () => {
    const body = Buffer.from(JSON.stringify([["ü"], {}, embed]), "latin1");
    expect(decodeTaskMessage({ ...valid, body, properties: { contentEncoding: "latin-1" } }).args).toEqual(["ü"]);
    expect(
      decodeTaskMessage({
        ...valid,
        body: Buffer.from(JSON.stringify(valid.body)),
        properties: { contentEncoding: "us-ascii" },
      }).args,
    ).toEqual(["u1"]);
  });

  it("has strings where Python had sent values that JSON does not know", () => {
    const date = { ["__type__"]: "date", ["__value__"]: "2026-11-24" };
    const next = { task: "next", args: [date] };
    const message = decodeTaskMessage(received(valid.headers, [[date], { on: date }, { chain: [next] }]));
    expect(message).toMatchObject({ args: ["2026-11-24"], kwargs: { on: "2026-11-24" } });
    // They go on to another task, which may be Python's.
    expect(message.chain[0]!.args).toEqual([date]);
  });

  it("comes back the same", () => {
    const arbitrary = fc.record({
      id: fc.string({ minLength: 1 }),
      task: fc.string({ minLength: 1 }),
      args: fc.array(fc.jsonValue()),
      kwargs: fc.dictionary(fc.string(), fc.jsonValue()),
      eta: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
      expires: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
      retries: fc.nat(),
      timeLimitMs: fc.option(fc.nat(), { nil: undefined }),
      softTimeLimitMs: fc.option(fc.nat(), { nil: undefined }),
      group: fc.option(fc.uuid(), { nil: undefined }),
      groupIndex: fc.option(fc.nat(), { nil: undefined }),
      parentId: fc.option(fc.uuid(), { nil: undefined }),
      replyTo: fc.option(fc.uuid(), { nil: undefined }),
      ignoreResult: fc.boolean(),
      priority: fc.integer({ min: 0, max: 9 }),
      argsRepr: fc.string(),
      kwargsRepr: fc.string(),
      headers: fc.constant({ traceparent: "00-1-2-01" }),
      chain: fc.constantFrom([], [taskSignature({ task: "next" }), taskSignature({ task: "last", immutable: true })]),
    });
    fc.assert(
      fc.property(arbitrary, (fields) => {
        const message = createTaskMessage({
          ...fields,
          args: JSON.parse(JSON.stringify(fields.args)) as JsonValue[],
          kwargs: JSON.parse(JSON.stringify(fields.kwargs)) as JsonObject,
        });
        const decoded = decodeTaskMessage(encodeTaskMessage(message, 0));
        expect(decoded.timeLimitMs ?? 0).toBeCloseTo(message.timeLimitMs ?? 0, 6);
        const limits = { timeLimitMs: decoded.timeLimitMs, softTimeLimitMs: decoded.softTimeLimitMs };
        expect(decoded).toEqual({ ...message, ...limits });
      }),
    );
  });

  it("tells the broker how long it is of use", () => {
    const message = createTaskMessage({ id: "1", task: "resize", expires: 5_000 });
    expect(encodeTaskMessage(message, 1_000).properties.expiration).toBe("4000");
    expect(encodeTaskMessage(message, 9_000).properties.expiration).toBe("0");
    expect(encodeTaskMessage({ ...message, expires: 315_360_000_001 }, 0).properties.expiration).toBe(undefined);
  });

  it("has what follows it reversed on the wire", () => {
    const chain = [taskSignature({ task: "second" }), taskSignature({ task: "third" })];
    const { body } = encodeTaskMessage(createTaskMessage({ id: "1", task: "first", chain }), 0);
    const [, , embed] = JSON.parse(body.toString()) as [unknown, unknown, { chain: { task: string }[] }];
    expect(embed.chain.map(({ task }) => task)).toEqual(["third", "second"]);
  });
});

describe("a message is refused", () => {
  it.each<[string, string, ReceivedMessage]>([
    ["of two elements", "invalid_body", received(valid.headers, [[], {}])],
    ["of four elements", "invalid_body", received(valid.headers, [[], {}, embed, 1])],
    ["that is a word", "invalid_body", received(valid.headers, "x")],
    ["that is null", "invalid_body", received(valid.headers, null)],
    ["with arguments by name that are a list", "invalid_body", received(valid.headers, [[], [], embed])],
    ["with arguments by name that are null", "invalid_body", received(valid.headers, [[], null, embed])],
    ["with arguments that are an object", "invalid_body", received(valid.headers, [{}, {}, embed])],
    ["with arguments that are a word", "invalid_body", received(valid.headers, ["u1", {}, embed])],
    ["with something else that goes along", "invalid_body", received(valid.headers, [[], {}, "x"])],
    ["with a callback that is none", "invalid_signature", received(valid.headers, [[], {}, { callbacks: [5] }])],
    [
      "with a chain of nameless tasks",
      "invalid_signature",
      received(valid.headers, [[], {}, { chain: [{ args: [] }] }]),
    ],
    [
      "with a chord without a body",
      "invalid_signature",
      received(valid.headers, [[], {}, { chord: { task: "celery.chord", subtask_type: "chord" } }]),
    ],
    ["without an id", "invalid_headers", received({ task: "resize" }, valid.body)],
    ["without a task", "invalid_headers", received({ id: "1" }, valid.body)],
    ["with headers that are a list", "invalid_headers", received([], valid.body)],
    ["with headers that are a word", "invalid_headers", received("x", valid.body)],
    [
      "that is pickle",
      "unsupported_content",
      received(valid.headers, valid.body, { contentType: "application/x-python-serialize" }),
    ],
    ["that is YAML", "unsupported_content", received(valid.headers, valid.body, { contentType: "application/x-yaml" })],
    [
      "that is msgpack",
      "unsupported_content",
      received(valid.headers, valid.body, { contentType: "application/x-msgpack" }),
    ],
    [
      "with a content type that is a number",
      "unsupported_content",
      received(valid.headers, valid.body, { contentType: 5 }),
    ],
    [
      "in an encoding that nobody knows",
      "invalid_encoding",
      received(valid.headers, valid.body, { contentEncoding: "klingon" }),
    ],
    [
      "in an encoding that is a number",
      "invalid_encoding",
      received(valid.headers, valid.body, { contentEncoding: 5 }),
    ],
    ["with bytes that are no UTF-8", "invalid_encoding", { ...valid, body: Buffer.from([0xff, 0xfe, 0xff]) }],
    ["that is no JSON", "invalid_json", { ...valid, body: Buffer.from("[[], {}") }],
    ["that is empty", "invalid_json", { ...valid, body: Buffer.alloc(0) }],
    [
      "in bzip2",
      "unsupported_compression",
      received({ ...valid.headers, compression: "application/x-bz2" }, valid.body),
    ],
    [
      "in a compression that is a number",
      "unsupported_compression",
      received({ ...valid.headers, compression: 5 }, valid.body),
    ],
    [
      "in a compression by the name of a method",
      "unsupported_compression",
      received({ ...valid.headers, compression: "toString" }, valid.body),
    ],
    [
      "that is not compressed at all",
      "invalid_compression",
      received({ ...valid.headers, compression: "gzip" }, valid.body),
    ],
    [
      "with half of a compressed body",
      "invalid_compression",
      { headers: { ...valid.headers, compression: "gzip" }, body: gzipSync("x".repeat(99)).subarray(0, 15) },
    ],
    [
      "in a bare deflate stream",
      "invalid_compression",
      { headers: { ...valid.headers, compression: "zlib" }, body: deflateRawSync("[[], {}, null]") },
    ],
    [
      "that unpacks without end",
      "too_large",
      { headers: { ...valid.headers, compression: "zlib" }, body: deflateSync(Buffer.alloc(17 * 1_024 * 1_024)) },
    ],
    ["nested without end", "too_deep", { ...valid, body: Buffer.from(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) }],
  ])("%s", (_, reason, message) => {
    expect(refusalOf(message)).toBe(reason);
  });

  it.each([
    ["id", [1, "", null, [], {}, true]],
    ["task", [1, "", null, [], {}]],
    ["eta", [5, "soon", [], {}, true, ""]],
    ["expires", [5, "soon", [], {}, true]],
    ["retries", ["1", -1, 1.5, [], {}, true]],
    ["timelimit", [5, "5", {}, ["5"], [-1, null], [true]]],
    ["group", [5, [], {}, true]],
    ["group_index", ["0", -1, 0.5, [], {}]],
    ["root_id", [5, [], {}]],
    ["parent_id", [5, [], {}]],
    ["ignore_result", [1, "yes", [], {}]],
  ])("with a header %s of another type", (name, values) => {
    const accepted = values.filter(
      (value) => refusalOf(received({ ...valid.headers, [name]: value }, valid.body)) !== "invalid_headers",
    );
    expect(accepted).toEqual([]);
  });

  it("not for what is only shown to people", () => {
    const headers = { ...valid.headers, origin: 5, shadow: [], argsrepr: {}, kwargsrepr: 1, lang: null, stamps: 7 };
    expect(decodeTaskMessage(received(headers, valid.body))).toMatchObject({
      origin: undefined,
      headers: { stamps: 7 },
    });
  });

  it("says what is wrong", () => {
    expect(() => decodeTaskMessage(received({ ...valid.headers, retries: "one" }, valid.body))).toThrow(
      'The header retries must be an integer of 0 or more, but is "one".',
    );
  });
});

describe("whatever comes", () => {
  const anything = fc.oneof(
    fc.constantFrom(null, "", "x", 5, -1, 1.5, true, [], {}, [1]),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const names = ["id", "task", "eta", "expires", "retries", "timelimit", "group", "root_id", "taskset", "lang", "mine"];
  const signatureOf = (inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.record(
      {
        task: fc.constantFrom("a", "b", 5),
        args: anything,
        subtask_type: fc.constantFrom(null, "chain", "group", "chord", 5),
        kwargs: fc.dictionary(fc.constantFrom("tasks", "header", "body"), fc.oneof(inner, fc.tuple(inner))),
        options: fc.dictionary(fc.constantFrom("link", "chain", "chord", "task_id", "__proto__"), inner),
      },
      { requiredKeys: ["task"] },
    );
  const signature = signatureOf(fc.oneof(anything, signatureOf(fc.oneof(anything, signatureOf(anything)))));
  const along = fc.dictionary(
    fc.constantFrom("callbacks", "errbacks", "chain", "chord"),
    fc.oneof(fc.constant(null), anything, signature, fc.array(signature, { maxLength: 2 })),
    { maxKeys: 2 },
  );
  const headers = fc.oneof(
    { weight: 3, arbitrary: fc.constant(valid.headers) },
    fc.dictionary(fc.constantFrom(...names), anything, { maxKeys: 2 }).map((more) => ({ ...valid.headers, ...more })),
    anything,
    fc.anything({ maxDepth: 2, withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true }),
  );
  const body = fc
    .oneof(
      fc.tuple(fc.constant([]), fc.constant({}), along),
      fc.tuple(anything, anything, along),
      along.map((more) => ({ id: "2", task: "other", ...more })),
      anything,
    )
    .map((value) => Buffer.from(JSON.stringify(value)));

  it("is a message, which can be sent on, or refused with a reason", () => {
    let messages = 0;
    fc.assert(
      fc.property(headers, fc.oneof(body, fc.uint8Array()), (headers, body) => {
        if (refusalOf({ headers, body }) !== "none") return;
        messages++;
        const message = decodeTaskMessage({ headers, body });
        const context = { nowMs: 0, createId: () => "new" };
        for (const { sends } of [...dispatchSuccessors(message, null, context), ...dispatchErrbacks(message, context)])
          for (const { message } of sends) expect(encodeTaskMessage(message, 0).headers.id).toBe(message.id);
        expect(decodeTaskMessage(encodeTaskMessage(message, 0)).id).toBe(message.id);
      }),
      { numRuns: 1_000 },
    );
    expect(messages).toBeGreaterThan(50);
  });

  it("is refused with a reason when what is said of it is strange", () => {
    const said = fc.oneof(fc.anything({ maxDepth: 1 }), fc.string());
    fc.assert(
      fc.property(said, said, said, fc.uint8Array(), (contentType, contentEncoding, compression, body) => {
        const headers = { ...valid.headers, compression };
        expect(refusalOf({ headers, body, properties: { contentType, contentEncoding } })).not.toBe("none");
      }),
    );
  });
});
