import { describe, expect, it } from "vitest";
import { toControlCommand } from "../../src/celery/control-command.ts";
import { isAddressedTo } from "../../src/celery/control-destination.ts";
import {
  controlExchange,
  controlQueue,
  controlReplyExchange,
  controlReplyQueue,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
} from "../../src/celery/control.ts";
import { describeQueue, describeRequest, describeScheduled } from "../../src/celery/request-info.ts";
import { decodeTaskMessage } from "../../src/celery/decode-message.ts";
import { decodeEnvelope } from "../../src/celery/redis-envelope.ts";
import { fanoutChannel } from "../../src/celery/redis-keys.ts";
import type { JsonObject, JsonValue } from "../../src/celery/json.ts";
import { amqpCases, commands, published, redisCases, tasks, toReceived } from "./captured.ts";

const node = "w1@capture.example";
const cases = Object.keys(redisCases).filter((name) => name.startsWith("control-"));

function request(name: string) {
  return decodeControlRequest(published(name, controlExchange)[0]!);
}

function replies(name: string) {
  return commands(name, "LPUSH")
    .filter(([, key]) => key!.endsWith(controlReplyExchange))
    .map(([, , text]) => decodeEnvelope(text!));
}

function replied(name: string): JsonValue {
  return decodeControlReply(replies(name)[0]!)[0]!.value;
}

describe("a request of a real Celery", () => {
  it("is published to everybody, and says whom it asks", () => {
    const ping = request("control-ping");
    expect(ping).toMatchObject({ method: "ping", arguments: {}, destination: [node], pattern: undefined });
    expect(ping.replyTo).toMatchObject({ exchange: controlReplyExchange });
    expect(ping.expiresAt).toBeGreaterThan(Date.parse("2026-01-01"));
    expect(commands("control-ping", "PUBLISH")[0]![1]).toBe(fanoutChannel(13, controlExchange));
    expect(commands("worker-online", "SADD", "_kombu.binding.celery.pidbox").map(([, , member]) => member)).toContain(
      `\u0006\u0016\u0006\u0016${controlQueue(node)}`,
    );
    expect(isAddressedTo(node, ping)).toBe(true);
    expect(isAddressedTo("w2@capture.example", ping)).toBe(false);
  });

  it("may ask by a pattern, or everybody", () => {
    expect(isAddressedTo(node, request("control-pattern"))).toBe(true);
    expect(isAddressedTo("other@capture.example", request("control-pattern"))).toBe(false);
    expect(isAddressedTo("anybody", request("control-heartbeat"))).toBe(true);
    expect(request("control-heartbeat").replyTo).toBe(undefined);
  });

  it.each([
    ["ping", { method: "ping" }],
    ["registered", { method: "registered", settings: ["rate_limit"] }],
    ["conf", { method: "conf", withDefaults: false }],
    ["revoke", { method: "revoke", ids: ["deadbeef"], terminate: false, signal: "SIGTERM" }],
    ["rate_limit", { method: "rate_limit", task: "add", limit: "10/m" }],
    ["time_limit", { method: "time_limit", task: "add", hardMs: 60_000, softMs: 50_000 }],
    ["add_consumer", { method: "add_consumer", queue: "more" }],
    ["cancel_consumer", { method: "cancel_consumer", queue: "more" }],
    ["pool_grow", { method: "pool_grow", by: 1 }],
    ["autoscale", { method: "autoscale", max: 4, min: 2 }],
    ["enable_events", { method: "enable_events" }],
    ["nonsense", { method: "unknown", name: "nonsense" }],
  ])("has the arguments of its method: %s", (name, command) => {
    expect(toControlCommand(request(`control-${name}`))).toEqual(command);
  });

  it("asks for several tasks at once", () => {
    expect(toControlCommand(request("control-query_task"))).toMatchObject({
      ids: [expect.any(String), expect.any(String), "unknown"],
    });
    expect(toControlCommand(request("control-terminate"))).toMatchObject({ terminate: true });
  });

  it("of a worker that has started greets the others", () => {
    const hellos = published("mingle", controlExchange)
      .map((envelope) => decodeControlRequest(envelope))
      .filter(({ method }) => method === "hello");
    expect(toControlCommand(hellos[0]!)).toEqual({ method: "hello", nodename: "w2@capture.example", revoked: {} });
  });

  it("is written the same by us", () => {
    for (const name of cases)
      for (const envelope of published(name, controlExchange)) {
        const wire = encodeControlRequest(decodeControlRequest(envelope));
        expect(JSON.parse(wire.body.toString())).toEqual(JSON.parse(envelope.body.toString()));
        expect(Object.keys(wire.headers)).toEqual(Object.keys(envelope.headers));
        expect(wire.properties).toMatchObject({ deliveryMode: envelope.properties.deliveryMode });
      }
  });
});

describe("a reply of a real Celery", () => {
  it("goes to the queue of who asked, with the ticket", () => {
    const { replyTo, ticket } = request("control-ping");
    const [, key] = commands("control-ping", "LPUSH").find(([, key]) => key!.endsWith(controlReplyExchange))!;
    expect(key).toBe(controlReplyQueue(replyTo!.routingKey));
    expect(decodeControlReply(replies("control-ping")[0]!)).toEqual([
      { hostname: node, value: { ok: "pong" }, ticket, clock: expect.any(Number) },
    ]);
  });

  it("is written the same by us", () => {
    for (const name of cases)
      for (const envelope of replies(name)) {
        const [reply] = decodeControlReply(envelope);
        const wire = encodeControlReply(reply!);
        expect(JSON.parse(wire.body.toString())).toEqual(JSON.parse(envelope.body.toString()));
        expect(wire.headers).toEqual(envelope.headers);
        expect(wire.properties.deliveryMode).toBe(envelope.properties.deliveryMode);
      }
  });

  it.each([
    ["revoke", { ok: "tasks deadbeef flagged as revoked" }],
    ["rate_limit", { ok: "new rate limit set successfully" }],
    ["rate_limit-unknown", { error: "unknown task" }],
    ["time_limit", { ok: "time limits set successfully" }],
    ["add_consumer", { ok: "add consumer more" }],
    ["cancel_consumer", { ok: "no longer consuming from more" }],
    ["pool_grow", { ok: "pool will grow" }],
    ["autoscale", { error: "ValueError('Autoscale not enabled')" }],
    ["nonsense", { error: "KeyError('nonsense')" }],
  ])("to %s is a word", (name, value) => {
    expect(replied(`control-${name}`)).toEqual(value);
  });

  it("to stats says how many run at once", () => {
    expect(replied("control-stats")).toMatchObject({
      total: expect.any(Object),
      pid: expect.any(Number),
      clock: expect.stringMatching(/^\d+$/),
      uptime: expect.any(Number),
      pool: { "max-concurrency": 2, processes: [expect.any(Number), expect.any(Number)], timeouts: [0, 0] },
      broker: { transport: "redis", port: 6379 },
      prefetch_count: expect.any(Number),
      rusage: { utime: expect.any(Number) },
    });
  });

  it("to active and scheduled describes tasks as we do", () => {
    const message = decodeTaskMessage(tasks("simple")[0]!);
    const state = { hostname: node, isAcknowledged: true, exchange: "", routingKey: "celery" };
    const [active] = replied("control-active") as readonly JsonObject[];
    expect(Object.keys(describeRequest(message, state))).toEqual(Object.keys(active!));
    const [scheduled] = replied("control-scheduled") as readonly JsonObject[];
    expect(Object.keys(describeScheduled(message, state))).toEqual(Object.keys(scheduled!));
    expect(Object.keys(scheduled!.request!)).toEqual(Object.keys(active!));
  });

  it("to active_queues describes queues as we do", () => {
    expect(replied("control-active_queues")).toEqual([describeQueue("celery")]);
  });

  it("comes over AMQP as well", () => {
    const [, reply] = [
      amqpCases["control-ping"]![1],
      amqpCases["control-ping"]!.find(({ exchange }) => exchange === controlReplyExchange)!,
    ];
    expect(decodeControlReply(toReceived(reply!))).toEqual([
      { hostname: node, value: { ok: "pong" }, ticket: "capture-ticket", clock: expect.any(Number) },
    ]);
    const [ask] = amqpCases["control-ping"]!.filter(({ exchange }) => exchange === controlExchange);
    expect(decodeControlRequest(toReceived(ask!))).toMatchObject({ method: "ping", ticket: undefined });
  });
});
