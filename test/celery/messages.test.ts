import { describe, expect, it } from "vitest";
import { decodeTaskMessage } from "../../src/celery/decode-message.ts";
import { encodeTaskMessage } from "../../src/celery/encode-message.ts";
import { createTaskMessage, type TaskMessage } from "../../src/celery/message.ts";
import {
  decodeEnvelope,
  decodeUnacked,
  encodeEnvelope,
  encodeUnacked,
  markRedelivered,
} from "../../src/celery/redis-envelope.ts";
import {
  bindingKey,
  bindingMember,
  parseBindingMember,
  queueKey,
  unackedIndexKey,
  unackedKey,
} from "../../src/celery/redis-keys.ts";
import { reasonOf } from "../../src/celery/reason-of.fixture.ts";
import { amqpCases, commands, redisCases, tasks, taskTexts, toReceived } from "./captured.ts";

function sent(name: string): TaskMessage {
  return decodeTaskMessage(tasks(name)[0]!);
}

describe("a message of a real Celery", () => {
  it("says what to call, and everything else that is known of it", () => {
    const [envelope] = tasks("simple");
    const message = decodeTaskMessage(envelope!);
    expect(message).toEqual({
      ...createTaskMessage({ id: message.id, task: "echo" }),
      args: [2, "three"],
      kwargs: { four: [5.5, null, true] },
      argsRepr: "(2, 'three')",
      kwargsRepr: "{'four': [5.5, None, True]}",
      origin: expect.stringMatching(/^gen\d+@host\.example$/),
      replyTo: expect.stringMatching(/^[\da-f-]{36}$/),
      priority: 0,
    });
    expect(envelope).toMatchObject({ exchange: "", routingKey: "celery", isRedelivered: false });
  });

  it("has the caller's own headers, its name to show and its limits", () => {
    expect(sent("headers")).toMatchObject({
      headers: { traceparent: "00-abc-def-01" },
      shadow: "alias",
      timeLimitMs: 30_000,
      softTimeLimitMs: 20_500,
    });
  });

  it("has instants as milliseconds", () => {
    const text = JSON.parse(taskTexts("countdown")[0]!) as { headers: { eta: string } };
    expect(sent("countdown").eta).toBe(Date.parse(text.headers.eta));
    const { expires } = sent("expires");
    const envelope = decodeEnvelope(taskTexts("expires")[0]!);
    expect(envelope.properties.expiration).toBe("60000");
    expect(expires! - Date.parse("2026-01-01T00:00:00Z")).toBeGreaterThan(0);
  });

  it.each([
    ["priority-0", "celery", 0],
    ["priority-4", "celery\u0006\u00163", 4],
    ["priority-9", "celery\u0006\u00169", 9],
  ])("of %s is in the list of its step", (name, key, priority) => {
    expect(commands(name, "LPUSH", "celery")[0]![1]).toBe(key);
    expect(queueKey("celery", priority)).toBe(key);
    expect(sent(name).priority).toBe(priority);
  });

  it("has null for what JSON cannot say", () => {
    expect(sent("nan-args").args).toEqual([null, [null, null], "NaN, Infinity"]);
  });

  it("of a retry counts, keeps its id and waits", () => {
    const [first, second] = tasks("retry").map((envelope) => decodeTaskMessage(envelope));
    expect(second).toMatchObject({ id: first!.id, retries: 1, parentId: first!.id, rootId: first!.id, args: [7] });
    expect(second!.eta).toBeGreaterThan(0);
  });

  it("of protocol 1 says the same in its body", () => {
    const message = sent("protocol-1");
    expect(message).toMatchObject({ task: "add", args: [1, 2], kwargs: {}, retries: 0, group: undefined, headers: {} });
    expect(message.rootId).toBe(message.id);
    expect(message.eta).toBeGreaterThan(0);
    expect(message.callbacks).toMatchObject([{ task: "add", args: [5], immutable: false }]);
  });

  it("may be compressed", () => {
    expect(sent("gzip").args).toEqual(["x".repeat(300)]);
    expect(sent("gzip").headers).toEqual({});
  });

  it.each([
    ["bzip2", "unsupported_compression"],
    ["pickle", "unsupported_content"],
    ["yaml", "unsupported_content"],
  ])("in %s is refused without being read", (name, reason) => {
    expect(reasonOf(() => sent(name))).toBe(reason);
  });

  it("that was given back says so", () => {
    const [, , text] =
      commands("redelivered", "RPUSH", "given-back")[0] ?? commands("redelivered", "LPUSH", "given-back")[1]!;
    const envelope = decodeEnvelope(text!);
    expect(envelope.isRedelivered).toBe(true);
    expect(decodeTaskMessage(envelope)).toMatchObject({ isRedelivered: true, args: ["again"], headers: {} });
    const [, , before] = commands("redelivered", "LPUSH", "given-back")[0]!;
    expect(JSON.parse(markRedelivered(before!))).toEqual(JSON.parse(text!));
  });

  it("that was handed out is kept with where it came from", () => {
    const [, , tag, entry] = commands("simple", "HSET", unackedKey)[0]!;
    const envelope = decodeUnacked(entry!);
    expect(envelope).toEqual(tasks("simple")[0]);
    expect(envelope.deliveryTag).toBe(tag);
    expect(commands("simple", "ZADD", unackedIndexKey)[0]).toEqual(["ZADD", unackedIndexKey, expect.any(String), tag]);
  });

  it.each(["simple", "eta", "expires", "priority", "headers", "gzip", "chain", "protocol-1"])(
    "comes over AMQP as well: %s",
    (name) => {
      const message = amqpCases[name]!.find(({ routingKey }) => routingKey === "nobody")!;
      const decoded = decodeTaskMessage(toReceived(message));
      expect(decoded.correlationId).toBe(decoded.id);
      expect(decoded.priority).toBe(name === "priority" ? 9 : 0);
      expect(decoded.eta !== undefined).toBe(name === "eta");
      expect(decoded.expires !== undefined).toBe(name === "expires" || name === "protocol-1");
      expect(decoded.chain.map(({ args }) => args)).toEqual(name === "chain" ? [[2], [3]] : []);
    },
  );

  it("is refused over AMQP when it is pickle", () => {
    const message = amqpCases.pickle!.find(({ routingKey }) => routingKey === "nobody")!;
    expect(reasonOf(() => decodeTaskMessage(toReceived(message)))).toBe("unsupported_content");
  });

  it("is bound as our members say", () => {
    const [, key, member] = commands("simple", "SADD", "_kombu.binding.celery")[0] ?? [];
    expect([key, member]).toEqual([bindingKey("celery"), bindingMember("celery", "celery")]);
    const reply = commands("control-ping", "SADD")[0]![2]!;
    const { routingKey, queue } = parseBindingMember(reply)!;
    expect(queue).toBe(`${routingKey}.reply.celery.pidbox`);
  });
});

describe("a message of ours", () => {
  // What is shown of a list or a tuple is the same, and floats that are whole are not told from integers.
  const readable = Object.keys(redisCases).filter(
    (name) => taskTexts(name).length > 0 && !["bzip2", "pickle", "yaml", "nan-args"].includes(name),
  );

  it.each(readable)("has the headers, properties and body that Celery gave it: %s", (name) => {
    for (const text of taskTexts(name)) {
      const envelope = decodeEnvelope(text);
      const message = decodeTaskMessage(envelope);
      const nowMs = message.expires === undefined ? 0 : message.expires - Number(envelope.properties.expiration ?? 0);
      const wire = encodeTaskMessage(message, nowMs);
      const ours = JSON.parse(encodeEnvelope({ ...wire, ...route(envelope) })) as Wire;
      const theirs = JSON.parse(text) as Wire;
      expect(Object.keys(ours).toSorted()).toEqual(Object.keys(theirs).toSorted());
      // 5.2 puts these two of a retry in the wrong place.
      const { replaced_task_nesting: _, origin: __, ...properties } = theirs.properties;
      expect(ours.properties).toEqual({
        ...properties,
        // Only senders that know of 5.2's rounding are told from others.
        ...(properties.expiration !== undefined && { expiration: expect.stringMatching(/^\d+$/) }),
      });
      if (theirs.headers.task === undefined || theirs.headers.compression !== undefined) continue;
      expect(ours.headers).toEqual({
        ...theirs.headers,
        lang: "ts",
        eta: sameInstant(theirs.headers.eta),
        expires: sameInstant(theirs.headers.expires),
      });
      expect(bodyOf(ours)).toEqual(bodyOf(theirs));
    }
  });

  it("is the same after a way through Redis", () => {
    const message = createTaskMessage({ id: "1", task: "resize", args: ["u1", 300], priority: 3 });
    const envelope = { ...encodeTaskMessage(message, 0), exchange: "", routingKey: "images", deliveryTag: "tag" };
    const shown = { argsRepr: "('u1', 300)", kwargsRepr: "{}" };
    expect(decodeTaskMessage(decodeEnvelope(encodeEnvelope(envelope)))).toEqual({ ...message, ...shown });
    expect(decodeUnacked(encodeUnacked(envelope))).toEqual(decodeEnvelope(encodeEnvelope(envelope)));
  });
});

interface Wire {
  readonly headers: Record<string, unknown>;
  readonly properties: Record<string, unknown>;
  readonly body: string;
}

function route(envelope: { exchange: string; routingKey: string; deliveryTag: string }) {
  return { exchange: envelope.exchange, routingKey: envelope.routingKey, deliveryTag: envelope.deliveryTag };
}

function bodyOf(wire: Wire): unknown {
  const [args, kwargs, embed] = JSON.parse(Buffer.from(wire.body, "base64").toString()) as [
    unknown,
    unknown,
    { chain: unknown[] | null },
  ];
  // The last of a chain has an empty list where others have nothing.
  return [args, kwargs, { ...embed, chain: embed.chain?.length === 0 ? null : embed.chain }];
}

/** Microseconds are cut to milliseconds. */
function sameInstant(text: unknown): unknown {
  return typeof text === "string" ? text.replace(/(\.\d{3})\d{3}/, "$1000") : text;
}
