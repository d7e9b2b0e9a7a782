import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromAmqpPriority, fromRedisPriority, toAmqpPriority, toRedisPriority } from "./priority.ts";
import { decodeEnvelope, decodeUnacked, encodeEnvelope, encodeUnacked, markRedelivered } from "./redis-envelope.ts";
import { bindingMember, fanoutChannel, parseBindingMember, queueKey, queueKeys } from "./redis-keys.ts";
import { reasonOf } from "./reason-of.fixture.ts";

const valid = {
  body: "W10=",
  "content-type": "application/json",
  "content-encoding": "utf-8",
  headers: {},
  properties: { delivery_tag: "tag", delivery_info: { exchange: "", routing_key: "celery" }, body_encoding: "base64" },
};

describe("an envelope", () => {
  it("comes back the same", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(fc.uint8Array(), text, text, fc.uuid(), (body, exchange, routingKey, deliveryTag) => {
        const envelope = {
          headers: { id: "1" },
          properties: {
            contentType: "application/json",
            contentEncoding: "utf-8",
            deliveryMode: 2,
            priority: 3,
          } as const,
          body: Buffer.from(body),
          exchange,
          routingKey,
          deliveryTag,
        };
        const read = decodeEnvelope(encodeEnvelope(envelope));
        expect(read).toEqual({ ...envelope, isRedelivered: false });
        expect(decodeUnacked(encodeUnacked(envelope))).toEqual(read);
        expect(decodeEnvelope(markRedelivered(encodeEnvelope(envelope)))).toEqual({
          ...read,
          isRedelivered: true,
          headers: { id: "1", redelivered: true },
        });
      }),
    );
  });

  it("may have its body as text", () => {
    const { body_encoding: _, ...properties } = valid.properties;
    expect(decodeEnvelope(JSON.stringify({ ...valid, body: "[]", properties })).body.toString()).toBe("[]");
    const utf8 = { ...valid, body: "ü", properties: { ...valid.properties, body_encoding: "utf-8" } };
    expect(decodeEnvelope(JSON.stringify(utf8)).body.toString()).toBe("ü");
  });

  it("keeps what Celery says of itself when it is given back", () => {
    const text = JSON.stringify({ ...valid, more: 1, properties: { ...valid.properties, more: 2 } });
    expect(JSON.parse(markRedelivered(text))).toMatchObject({
      more: 1,
      headers: { redelivered: true },
      properties: { more: 2, delivery_info: { exchange: "", routing_key: "celery", redelivered: true } },
    });
  });

  it.each<[string, string, unknown]>([
    ["without a tag", "invalid_envelope", { ...valid, properties: { delivery_info: {} } }],
    ["without a body", "invalid_envelope", { ...valid, body: undefined }],
    ["with a body that is none", "invalid_envelope", { ...valid, body: {} }],
    ["with headers that are none", "invalid_envelope", { ...valid, headers: [] }],
    ["with properties that are none", "invalid_envelope", { ...valid, properties: "x" }],
    [
      "with an address that is none",
      "invalid_envelope",
      { ...valid, properties: { ...valid.properties, delivery_info: [] } },
    ],
    [
      "with a body in another form",
      "invalid_envelope",
      { ...valid, properties: { ...valid.properties, body_encoding: "hex" } },
    ],
    ["with half of base64", "invalid_base64", { ...valid, body: "W10" }],
    ["with something else than base64", "invalid_base64", { ...valid, body: "W!0=" }],
    ["that is a list", "invalid_envelope", []],
    ["that is null", "invalid_envelope", null],
  ])("is refused %s", (_, reason, value) => {
    expect(reasonOf(() => decodeEnvelope(JSON.stringify(value)))).toBe(reason);
    expect(reasonOf(() => markRedelivered(JSON.stringify(value)))).toBe(reason);
    expect(reasonOf(() => decodeUnacked(JSON.stringify([value, "", "celery"])))).toBe(reason);
  });

  it("is refused with a reason, or read, whatever comes", () => {
    const names = [...Object.keys(valid), "body_encoding", "delivery_tag", "delivery_info"];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...names), fc.jsonValue()).map((more) => ({ ...valid, ...more })),
      fc
        .dictionary(fc.constantFrom(...names), fc.jsonValue())
        .map((more) => ({ ...valid, properties: { ...valid.properties, ...more } })),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          value.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          for (const read of [decodeEnvelope, markRedelivered, decodeUnacked])
            expect(reasonOf(() => read(text))).toMatch(/^(none|invalid_(envelope|json|base64)|too_deep)$/);
        },
      ),
    );
  });
});

describe("keys", () => {
  it("are four for each queue, the first of which has its name", () => {
    expect(queueKeys("celery")).toEqual([
      "celery",
      "celery\u0006\u00163",
      "celery\u0006\u00166",
      "celery\u0006\u00169",
    ]);
    expect([0, 1, 2, 3, 5, 8, 9, 99].map((priority) => queueKeys("q").indexOf(queueKey("q", priority)))).toEqual([
      0, 0, 0, 1, 1, 2, 3, 3,
    ]);
  });

  it("of bindings can be read", () => {
    expect(parseBindingMember(bindingMember("rk", "queue"))).toEqual({ routingKey: "rk", pattern: "", queue: "queue" });
    expect(parseBindingMember("queue")).toBe(undefined);
  });

  it("of channels have the database, and the routing key if there is one", () => {
    expect(fanoutChannel(0, "celery.pidbox")).toBe("/0.celery.pidbox");
    expect(fanoutChannel(13, "celeryev", "worker.online")).toBe("/13.celeryev/worker.online");
  });
});

describe("a priority", () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  it("of ours is the other way round on Redis, where nothing runs before the default", () => {
    expect(all.map(toRedisPriority)).toEqual([9, 6, 6, 3, 3, 0, 0, 0, 0, 0]);
    expect(all.map(fromRedisPriority)).toEqual([5, 5, 5, 4, 4, 4, 2, 2, 2, 0]);
    expect(fromRedisPriority(undefined)).toBe(5);
  });

  it("comes back as one of the same list", () => {
    for (const priority of all) {
      const there = toRedisPriority(priority);
      expect(queueKey("q", toRedisPriority(fromRedisPriority(there)))).toBe(queueKey("q", there));
    }
  });

  it("is the same over AMQP, within what it knows", () => {
    expect(all.map(toAmqpPriority)).toEqual(all);
    expect([-1, 4.4, 200].map(toAmqpPriority)).toEqual([0, 4, 9]);
    expect([undefined, 5].map(fromAmqpPriority)).toEqual([0, 5]);
  });
});
