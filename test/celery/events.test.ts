import { describe, expect, it } from "vitest";
import {
  decodeEvents,
  encodeEvent,
  encodeEvents,
  eventExchange,
  eventRoutingKey,
  manyEventsRoutingKey,
  type CeleryEvent,
} from "../../src/celery/event.ts";
import { encodeEnvelope } from "../../src/celery/redis-envelope.ts";
import { fanoutChannel } from "../../src/celery/redis-keys.ts";
import { amqpCases, commands, published, redisCases, toReceived } from "./captured.ts";

const all = Object.keys(redisCases).flatMap((name) =>
  published(name, eventExchange).flatMap((envelope) => decodeEvents(envelope)),
);

function ofType(type: string): CeleryEvent {
  return all.find((event) => event.type === type)!;
}

describe("the events of a real Celery", () => {
  it("are all known", () => {
    expect([...new Set(all.map(({ type }) => type))].toSorted()).toEqual([
      "task-failed",
      "task-received",
      "task-rejected",
      "task-retried",
      "task-revoked",
      "task-sent",
      "task-started",
      "task-succeeded",
      "worker-heartbeat",
      "worker-offline",
      "worker-online",
    ]);
  });

  it("say when and where", () => {
    for (const event of all) {
      expect(event.hostname).toMatch(/@/);
      expect(event.pid).toBeGreaterThan(0);
      expect(event.clock).toBeGreaterThan(0);
      expect(new Date(event.at).getUTCFullYear()).toBeGreaterThan(2025);
    }
  });

  it.each([
    ["worker-heartbeat", ["active", "freq", "loadavg", "processed", "sw_ident", "sw_sys", "sw_ver"]],
    [
      "task-sent",
      [
        "args",
        "eta",
        "exchange",
        "expires",
        "kwargs",
        "name",
        "parent_id",
        "queue",
        "retries",
        "root_id",
        "routing_key",
        "uuid",
      ],
    ],
    ["task-received", ["args", "eta", "expires", "kwargs", "name", "parent_id", "retries", "root_id", "uuid"]],
    ["task-started", ["uuid"]],
    ["task-succeeded", ["result", "runtime", "uuid"]],
    ["task-failed", ["exception", "traceback", "uuid"]],
    ["task-retried", ["exception", "traceback", "uuid"]],
    ["task-revoked", ["expired", "signum", "terminated", "uuid"]],
    ["task-rejected", ["requeue", "uuid"]],
  ])("have the fields of their type: %s", (type, fields) => {
    expect(Object.keys(ofType(type).fields).toSorted()).toEqual(fields);
  });

  it("come several in a message", () => {
    const [, channel] = commands("simple", "PUBLISH", "/13.celeryev/task.multi")[0]!;
    expect(channel).toBe(fanoutChannel(13, eventExchange, manyEventsRoutingKey));
    expect(commands("simple", "PUBLISH", fanoutChannel(13, eventExchange, eventRoutingKey("task-sent")))).toHaveLength(
      1,
    );
  });

  it("are written the same by us", () => {
    for (const name of Object.keys(redisCases))
      for (const [, channel, text] of commands(name, "PUBLISH", "/13.celeryev")) {
        const theirs = JSON.parse(text!) as {
          body: string;
          properties: { delivery_tag: string; delivery_info: object };
        };
        const [envelope] = [
          published(name, eventExchange).find(({ deliveryTag }) => deliveryTag === theirs.properties.delivery_tag)!,
        ];
        const [first, ...others] = decodeEvents(envelope);
        const isMany = channel!.endsWith(manyEventsRoutingKey);
        const wire = isMany ? encodeEvents([first!, ...others]) : encodeEvent(first!);
        const { exchange, routingKey, deliveryTag } = envelope;
        const ours = JSON.parse(encodeEnvelope({ ...wire, exchange, routingKey, deliveryTag })) as typeof theirs;
        expect({ ...ours, body: content(ours.body) }).toEqual({ ...theirs, body: content(theirs.body) });
      }
  });

  it("come over AMQP as well", () => {
    const types = Object.values(amqpCases)
      .flat()
      .filter(({ exchange }) => exchange === eventExchange)
      .flatMap((message) => decodeEvents(toReceived(message)))
      .map(({ type }) => type);
    expect(new Set(types)).toEqual(
      new Set([
        "task-sent",
        "task-received",
        "task-started",
        "task-succeeded",
        "task-failed",
        "worker-online",
        "worker-heartbeat",
        "worker-offline",
      ]),
    );
  });
});

/** Seconds go through milliseconds, which costs the last of their digits. */
function content(base64: string): unknown {
  return JSON.parse(Buffer.from(base64, "base64").toString(), (key, value: unknown) =>
    key === "timestamp" ? (value as number).toFixed(4) : value,
  );
}
