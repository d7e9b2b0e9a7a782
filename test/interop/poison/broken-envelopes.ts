import type { RedisCeleryTransport } from "../../support/celery-transport.ts";
import { call, dead, deadForNobody, nested, type Fate, type PoisonRow } from "./row.ts";

type EnvelopeRow = PoisonRow<string | Buffer>;

const queue = "poison";
const runs: Fate = { succeeded: 1 };
const noEnvelope = deadForNobody(/the envelope is no JSON object with properties/);

/** What may stand in a list of Redis where an envelope should. */
export function brokenEnvelopes(transport: RedisCeleryTransport): readonly EnvelopeRow[] {
  const text = (id: string, changes: Readonly<Record<string, unknown>>): string =>
    transport.toText(queue, call(id), changes);
  const properties = (id: string, changes: Readonly<Record<string, unknown>>): string =>
    transport.toText(queue, call(id, { properties: changes }));
  return [
    ...["", "no JSON", "null", "42", "[]", '"text"', "{}", "{", '{"properties": []', "\0", nested(3_000)].map(
      (envelope): EnvelopeRow => ({
        name: `an envelope of ${JSON.stringify(envelope.slice(0, 20))}`,
        message: () => envelope,
        fate: noEnvelope,
      }),
    ),
    ...[4, 24].map((megabytes): EnvelopeRow => ({
      name: `an envelope of ${megabytes} MB`,
      message: (id) => text(id, { body: "e30=".repeat(megabytes * 262_144) }),
      fate: deadForNobody(/it has \d+ bytes, and at most 4194304 are read; it is in the list poison:long/),
    })),
    {
      name: "an envelope and something behind it",
      message: (id) => `${text(id, {})}x`,
      fate: noEnvelope,
    },
    {
      name: "an envelope that was cut",
      message: (id) => text(id, {}).slice(0, -20),
      fate: noEnvelope,
    },
    ...([undefined, null, "x", 7] as const).map((wrong): EnvelopeRow => ({
      name: `properties that are ${JSON.stringify(wrong)}`,
      message: (id) => text(id, { properties: wrong }),
      fate: noEnvelope,
    })),
    {
      name: "properties that are a list",
      message: (id) => text(id, { properties: [] }),
      fate: deadForNobody(/it has no delivery_tag/),
    },
    ...([undefined, null, 7, {}] as const).map((delivery_tag): EnvelopeRow => ({
      name: `a delivery tag that is ${JSON.stringify(delivery_tag)}, which Celery's worker dies of`,
      message: (id) => properties(id, { delivery_tag }),
      fate: deadForNobody(/it has no delivery_tag/),
    })),
    {
      name: "a delivery tag without characters",
      message: (id) => properties(id, { delivery_tag: "" }),
      fate: deadForNobody(/it has no delivery_tag/),
    },
    ...([undefined, null, {}] as const).map((delivery_info): EnvelopeRow => ({
      name: `delivery information that is ${JSON.stringify(delivery_info)}, which Celery's worker dies of`,
      message: (id) => properties(id, { delivery_info }),
      fate: runs,
    })),
    ...[7, "x", ["exchange"]].map((delivery_info): EnvelopeRow => ({
      name: `delivery information that is ${JSON.stringify(delivery_info)}`,
      message: (id) => properties(id, { delivery_info }),
      fate: dead(/The property delivery_info must be an object/),
    })),
    {
      name: "an exchange that is a number",
      message: (id) => properties(id, { delivery_info: { exchange: 1, routing_key: queue } }),
      fate: dead(/The property delivery_info's exchange must be a string/),
    },
    ...(["x", [], 7] as const).map((headers): EnvelopeRow => ({
      name: `headers that are ${JSON.stringify(headers)}`,
      message: (id) => text(id, { headers }),
      fate: deadForNobody(/The envelope's headers must be an object/),
    })),
    ...([undefined, null, 7, {}] as const).map((body): EnvelopeRow => ({
      name: `a body that is ${JSON.stringify(body)} in its envelope`,
      message: (id) => text(id, { body }),
      fate: dead(/The envelope has no body/),
    })),
    ...["***", "e30", "e3=0", "{}", "ê30="].map((body): EnvelopeRow => ({
      name: `malformed base64: ${body}`,
      message: (id) => text(id, { body }),
      fate: dead(/The body is not base64/),
    })),
    {
      name: "a body in hexadecimal digits",
      message: (id) => properties(id, { body_encoding: "hex" }),
      fate: dead(/The body is neither in base64 nor in UTF-8/),
    },
    {
      name: "a body in UTF-8, which Celery's older worker dies of",
      message: (id) =>
        transport.toText(queue, call(id, { properties: { body_encoding: "utf-8" } }), { body: call(id).body }),
      fate: runs,
    },
    {
      name: "a body whose encoding is not said",
      message: (id) =>
        transport.toText(queue, call(id, { properties: { body_encoding: undefined } }), { body: call(id).body }),
      fate: runs,
    },
    {
      name: "bytes in a header that are not UTF-8",
      message: (id) => {
        const envelope = transport.toText(queue, call(id, { headers: { id, task: "poison.count", argsrepr: "@@" } }));
        return Buffer.from(envelope.replace("@@", "\u00ff\u00fe"), "latin1");
      },
      fate: runs,
    },
    {
      name: "bytes in its id that are not UTF-8",
      message: (id) => Buffer.from(text(id, { headers: { id: `${id}\u00ff`, task: "poison.count" } }), "latin1"),
      resultId: (id) => `${id}\ufffd`,
      fate: runs,
    },
    {
      name: "half a surrogate pair in its id",
      message: (id) => text(id, { headers: { id: `${id}\ud800`, task: "poison.count" } }),
      resultId: (id) => `${id}\ufffd`,
      fate: runs,
    },
    {
      name: "numbers in headers that JSON does not know",
      message: (id) => text(id, { headers: { id, task: "poison.count", retries: "@@" } }).replace('"@@"', "NaN"),
      fate: runs,
    },
    {
      name: "an eta and retries that are no number",
      message: (id) =>
        text(id, { headers: { id, task: "poison.count", retries: "@@", eta: "9999-01-01" } }).replace('"@@"', "NaN"),
      fate: { waits: true },
    },
    {
      name: "members that stand there twice",
      message: (id) => text(id, {}).replace("{", '{"body": "***", "headers": 7, '),
      fate: runs,
    },
  ];
}
