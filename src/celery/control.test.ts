import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LamportClock } from "./clock.ts";
import { toControlCommand } from "./control-command.ts";
import { isAddressedTo } from "./control-destination.ts";
import { decodeControlReply, decodeControlRequest, encodeControlReply, encodeControlRequest } from "./control.ts";
import { createEvent, decodeEvents, encodeEvent, encodeEvents, eventRoutingKey } from "./event.ts";
import type { JsonValue } from "./json.ts";
import { reasonOf } from "./reason-of.fixture.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

describe("a request", () => {
  it("comes back the same", () => {
    const request = {
      method: "revoke",
      arguments: { task_id: "1" },
      destination: ["a@b"],
      pattern: undefined,
      matcher: undefined,
      ticket: "t",
      replyTo: { exchange: "reply.celery.pidbox", routingKey: "oid" },
      clock: 4,
      expiresAt: 1_500,
    };
    expect(decodeControlRequest(encodeControlRequest(request))).toEqual(request);
  });

  it.each([
    [{ destination: undefined }, true],
    [{ destination: [] }, true],
    [{ destination: ["w1@host"] }, true],
    [{ destination: ["w2@host"] }, false],
    [{ pattern: "w*", matcher: "glob" }, true],
    [{ pattern: "w?@host", matcher: "glob" }, true],
    [{ pattern: "w[0-5]@host", matcher: "glob" }, true],
    [{ pattern: "w[!1]@host", matcher: "glob" }, false],
    [{ pattern: "w", matcher: "glob" }, false],
    [{ pattern: "w.@host", matcher: "glob" }, false],
    [{ pattern: "w[", matcher: "glob" }, false],
    [{ pattern: String.raw`w\d`, matcher: "pcre" }, true],
    [{ pattern: "1@host", matcher: "pcre" }, false],
    [{ pattern: "(", matcher: "pcre" }, false],
    [{ pattern: "w*", matcher: "magic" }, false],
    [{ destination: ["w1@host"], pattern: "x*", matcher: "glob" }, false],
  ])("asks those it names: %j", (whom, isAsked) => {
    expect(isAddressedTo("w1@host", { method: "ping", arguments: {}, ...whom })).toBe(isAsked);
  });

  it.each([
    ["revoke", { task_id: ["1", "2"], terminate: true, signal: 9 }, { ids: ["1", "2"], terminate: true, signal: "9" }],
    ["terminate", { task_id: "1", signal: "SIGKILL" }, { ids: ["1"], signal: "SIGKILL" }],
    [
      "revoke_by_stamped_headers",
      { headers: { a: ["b"] } },
      { headers: { a: ["b"] }, terminate: false, signal: undefined },
    ],
    ["rate_limit", { task_name: "a", rate_limit: 5 }, { task: "a", limit: 5 }],
    ["rate_limit", { task_name: "a" }, { task: "a", limit: 0 }],
    ["time_limit", { task_name: "a", hard: 1.5 }, { task: "a", hardMs: 1_500, softMs: undefined }],
    ["hello", { from_node: "a@b" }, { nodename: "a@b", revoked: {} }],
    ["pool_shrink", {}, { by: 1 }],
    ["conf", { with_defaults: true }, { withDefaults: true }],
    ["election", { id: "1", topic: "t" }, { id: "1", topic: "t" }],
    ["registered", { taskinfoitems: null }, { settings: [] }],
  ])("of %s has its arguments", (method, args, command) => {
    expect(toControlCommand({ method, arguments: args as Record<string, JsonValue> })).toEqual({ method, ...command });
  });

  it("may be by an old name", () => {
    expect(toControlCommand({ method: "dump_active", arguments: {} })).toEqual({ method: "active" });
    expect(toControlCommand({ method: "toString", arguments: {} })).toEqual({ method: "unknown", name: "toString" });
  });

  it("says which argument is wrong", () => {
    expect(() => toControlCommand({ method: "revoke", arguments: { task_id: [5] } })).toThrow(
      new UndecodableMessage(
        "invalid_control",
        "The argument of revoke: task_id must be a list of strings, but is [5].",
      ),
    );
  });
});

describe("a reply", () => {
  it("comes back the same", () => {
    const reply = { hostname: "w1@host", value: { ok: "pong" }, ticket: "t", clock: 7 };
    expect(decodeControlReply(encodeControlReply(reply))).toEqual([reply]);
  });
});

describe("an event", () => {
  const sender = { hostname: "w1@host", pid: 5, clock: 7, at: 1_500 };
  const started = createEvent("task-started", { uuid: "1" }, sender);

  it("comes back the same, alone or with others", () => {
    const succeeded = createEvent("task-succeeded", { uuid: "1", result: "4", runtime: 0.5 }, { ...sender, clock: 8 });
    expect(decodeEvents(encodeEvent(started))).toEqual([started]);
    expect(decodeEvents(encodeEvents([started, succeeded]))).toEqual([started, succeeded]);
    expect(JSON.parse(encodeEvent(started).body.toString())).toEqual({
      uuid: "1",
      hostname: "w1@host",
      utcoffset: 0,
      pid: 5,
      clock: 7,
      timestamp: 1.5,
      type: "task-started",
    });
  });

  it("is published by its type", () => {
    expect(eventRoutingKey("worker-heartbeat")).toBe("worker.heartbeat");
  });
});

describe("a clock", () => {
  it("is later than whatever it has heard of", () => {
    const clock = new LamportClock();
    expect(clock.forward()).toBe(1);
    expect(clock.receive(41)).toBe(42);
    expect(clock.receive(3)).toBe(43);
    for (const strange of ["50", null, Number.NaN, Infinity, 1.5, undefined]) clock.receive(strange);
    expect(clock.value).toBe(49);
    expect(clock.forward()).toBe(50);
  });
});

describe("whatever comes", () => {
  it("is read, or refused with a reason", () => {
    const names = [
      "method",
      "arguments",
      "destination",
      "pattern",
      "matcher",
      "reply_to",
      "ticket",
      "type",
      "hostname",
      "clock",
      "timestamp",
    ];
    const methods = fc.constantFrom(
      "ping",
      "revoke",
      "rate_limit",
      "time_limit",
      "hello",
      "add_consumer",
      "conf",
      "autoscale",
      "nonsense",
    );
    const args = fc.dictionary(
      fc.constantFrom("task_id", "task_name", "rate_limit", "hard", "queue", "from_node", "n"),
      fc.jsonValue(),
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({ method: methods, arguments: args, destination: fc.jsonValue() }),
      fc
        .dictionary(fc.constantFrom(...names), fc.jsonValue())
        .map((more) => ({ method: "ping", type: "task-x", ...more })),
    );
    const headers = fc.oneof(
      fc.constant({}),
      fc.dictionary(fc.constantFrom("clock", "expires", "ticket"), fc.jsonValue()),
      fc.anything({ maxDepth: 1 }),
    );
    const body = fc.oneof(
      value.map((value) => Buffer.from(JSON.stringify(value))),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(headers, body, (headers, body) => {
        const reads = [
          () => {
            const request = decodeControlRequest({ headers, body });
            isAddressedTo("w1@host", request);
            toControlCommand(request);
          },
          () => decodeControlReply({ headers, body }),
          () => decodeEvents({ headers, body }),
        ];
        for (const read of reads)
          expect(reasonOf(read)).toMatch(
            /^(none|too_deep|unsupported_compression|invalid_(control|event|json|encoding))$/,
          );
      }),
      { numRuns: 300 },
    );
  });
});
