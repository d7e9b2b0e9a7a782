import { describe, expect, it } from "vitest";
import {
  chordKeys,
  decodeChordMember,
  decodeGroupResult,
  encodeChordMember,
  encodeGroupResult,
  groupKey,
} from "../../src/celery/group-result.ts";
import {
  decodeTaskResult,
  encodeTaskResult,
  isErrorState,
  resultKey,
  type TaskResult,
} from "../../src/celery/result.ts";
import { parsePythonJson } from "../../src/celery/json.ts";
import { decodeRpcResult, encodeRpcResult } from "../../src/celery/rpc-result.ts";
import { amqpCases, commands, redisCases, toReceived } from "./captured.ts";

function results(name: string): readonly TaskResult[] {
  return commands(name, "SETEX", "celery-task-meta-").map(([, , , text]) => decodeTaskResult(text!));
}

/** The results of a case without the notices that something was started. */
function ended(name: string): readonly TaskResult[] {
  return results(name).filter(({ state }) => state !== "STARTED");
}

describe("a result of a real Celery", () => {
  it("says that a task was started, and where", () => {
    const [started] = results("simple");
    expect(started).toMatchObject({
      state: "STARTED",
      result: { pid: expect.any(Number), hostname: "w1@capture.example" },
      error: undefined,
      doneAt: undefined,
    });
  });

  it("has what the task returned, and when it ended in UTC", () => {
    const [, , , text] = commands("simple", "SETEX")[1]!;
    const [result] = ended("simple");
    expect(result).toMatchObject({
      state: "SUCCESS",
      result: [[2, "three"], { four: [5.5, null, true] }],
      error: undefined,
      traceback: undefined,
      children: [],
    });
    const { date_done } = JSON.parse(text!) as { date_done: string };
    expect(date_done).not.toMatch(/Z|\+/);
    expect(result!.doneAt).toBe(Date.parse(`${date_done}Z`));
  });

  it("keeps what JSON can say of strange values", () => {
    expect(ended("values")[0]!.result).toEqual({
      nan: null,
      inf: [null, null],
      big: 2 ** 70,
      float: 5,
      text: "ü \u2028 \u{1f600} 'q' \"d\"",
    });
  });

  it.each([
    ["fail_builtin", "KeyError", "builtins", "'no such key'", ["no such key"]],
    ["fail_custom", "PaymentError", "tasks", "(402, 'declined')", [402, "declined"]],
    ["fail_value", "ValueError", "builtins", "no good", ["no good"]],
    ["unknown", "NotRegistered", "celery.exceptions", "nobody.knows", ["nobody.knows"]],
  ])("of a failure has the error as Python shows it: %s", (name, error, module, message, args) => {
    const [result] = ended(name);
    expect(result).toMatchObject({ state: "FAILURE", result: null, error: { name: error, module, message, args } });
    expect(result!.doneAt).toBeGreaterThan(0);
    if (name !== "unknown") expect(result!.traceback).toContain("Traceback (most recent call last)");
  });

  it("of a retry says why, and is not final", () => {
    const [retry, success] = ended("retry");
    expect(retry).toMatchObject({ state: "RETRY", error: { name: "KeyError", message: "'again'" }, doneAt: undefined });
    expect(success).toMatchObject({ state: "SUCCESS", id: retry!.id, parentId: retry!.id, result: 7 });
  });

  it("of a task that was revoked or has expired says which", () => {
    expect(ended("expired")).toMatchObject([
      { state: "REVOKED", error: { name: "TaskRevokedError", message: "expired" } },
    ]);
    const reasons = ended("control-terminate").map(({ error }) => error!.message);
    expect(reasons.toSorted()).toEqual(["revoked", "terminated", "terminated", "terminated"]);
  });

  it("may have a state of its own", () => {
    expect(ended("progress")[0]).toMatchObject({ state: "PROGRESS", result: { done: 3, of: 10 }, doneAt: undefined });
  });

  it("names what the task has sent", () => {
    const [parent, child] = ended("spawn").toSorted((a, b) => b.children.length - a.children.length);
    expect(parent!.children).toEqual([{ id: child!.id }]);
    expect(child!.parentId).toBe(parent!.id);
  });

  it("may have more", () => {
    expect(ended("extended")[0]!.extended).toEqual({
      name: "echo",
      args: [1],
      kwargs: { a: 2 },
      worker: "w3@capture.example",
      retries: 0,
      queue: "extended",
    });
  });

  it("of a chain that failed is there for each of its tasks", () => {
    const failed = ended("chain-fails");
    expect(failed).toHaveLength(3);
    expect(new Set(failed.map(({ error }) => error!.message))).toEqual(new Set(["no good"]));
  });

  it("of a chord's body says which part failed", () => {
    const body = ended("chord-fails").find(({ error }) => error?.name === "ChordError")!;
    expect(body.error!.message).toMatch(/^Dependency [\da-f-]{36} raised ValueError\('no good'\)$/);
  });

  it("is written with the same words by us", () => {
    for (const name of Object.keys(redisCases))
      for (const [, key, , text] of commands(name, "SETEX", "celery-task-meta-")) {
        const result = decodeTaskResult(text!);
        expect(key).toBe(resultKey(result.id));
        const theirs = parsePythonJson(text!, "It") as Record<string, unknown>;
        const ours = JSON.parse(encodeTaskResult(result)) as Record<string, unknown>;
        expect(Object.keys(ours).toSorted()).toEqual(Object.keys(theirs).toSorted());
        const { date_done, ...rest } = theirs;
        expect(ours).toEqual({
          ...rest,
          date_done: typeof date_done === "string" ? `${date_done.slice(0, 23)}000` : null,
        });
      }
  });

  it("comes over AMQP as well", () => {
    const rpc = amqpCases["rpc-results"]!.filter(({ exchange }) => exchange === "");
    const received = rpc.map((message) => decodeRpcResult(toReceived(message)));
    expect(received.map(({ state }) => state)).toEqual(["STARTED", "SUCCESS", "STARTED", "FAILURE"]);
    expect(received[3]!.error).toMatchObject({ name: "PaymentError", args: [402, "declined"] });
    for (const [index, result] of received.entries()) {
      const wire = encodeRpcResult(result, result.id);
      expect(decodeRpcResult(wire)).toEqual(result);
      expect(wire.properties.correlationId).toBe(rpc[index]!.properties.correlation_id);
      expect(JSON.parse(wire.body.toString())).toMatchObject(
        JSON.parse(Buffer.from(rpc[index]!.body, "base64").toString()),
      );
    }
  });
});

describe("a chord of a real Celery", () => {
  it("has its size before its last part, and a member for each part that ended", () => {
    const [size] = commands("chord", "SETEX", "celery-taskset-meta-");
    const members = commands("chord", "ZADD", "celery-taskset-meta-");
    const groupId = size![1]!.slice(groupKey("").length, -2);
    expect(size).toEqual(["SETEX", chordKeys(groupId).size, "86400", "2"]);
    expect(members.map(([, key, score]) => [key, score]).toSorted()).toEqual([
      [chordKeys(groupId).members, "0"],
      [chordKeys(groupId).members, "1"],
    ]);
    expect(members.map(([, , , text]) => decodeChordMember(text!).result).toSorted()).toEqual([2, 4]);
  });

  it("has the error of a part that failed", () => {
    const members = commands("chord-fails", "ZADD", "celery-taskset-meta-").map(([, , , text]) => text!);
    const failed = members.map((text) => decodeChordMember(text)).find(({ state }) => isErrorState(state));
    expect(failed).toMatchObject({ state: "FAILURE", result: null, error: { name: "ValueError", message: "no good" } });
    for (const text of members)
      expect(JSON.parse(encodeChordMember(decodeChordMember(text)))).toEqual(JSON.parse(text));
  });
});

describe("a group of a real Celery that was saved", () => {
  it("names its parts", () => {
    const [[, key, , text]] = commands("group", "SETEX", "celery-taskset-meta-") as [string[]];
    const group = decodeGroupResult(text!);
    expect(key).toBe(groupKey(group.id));
    expect(group.parts.map(({ id }) => id).toSorted()).toEqual(
      ended("group")
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(JSON.parse(encodeGroupResult(group))).toEqual(JSON.parse(text!));
  });
});
