import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeChordMember, decodeGroupResult, encodeChordMember, encodeGroupResult } from "./group-result.ts";
import { decodePythonError, encodePythonError, toErrorName, toPythonError } from "./python-error.ts";
import { decodeTaskResult, encodeTaskResult, isErrorState, isFinalState } from "./result.ts";
import { decodeResultTree, encodeResultTree } from "./result-tree.ts";
import { decodeRpcResult } from "./rpc-result.ts";
import { reasonOf } from "./reason-of.fixture.ts";

describe("a result", () => {
  it("is written as Celery writes it", () => {
    const text = encodeTaskResult({
      id: "1",
      state: "SUCCESS",
      result: 4,
      doneAt: Date.parse("2026-11-24T03:48:47.327Z"),
    });
    expect(text).toBe(
      '{"status":"SUCCESS","result":4,"traceback":null,"children":[],"date_done":"2026-11-24T03:48:47.327000","task_id":"1"}',
    );
  });

  it("of Celery 5.6 has an instant with an offset", () => {
    const text = '{"status": "SUCCESS", "result": 4, "date_done": "2026-11-24T03:48:47.327076+00:00", "task_id": "1"}';
    expect(decodeTaskResult(text).doneAt).toBe(Date.parse("2026-11-24T03:48:47.327Z"));
  });

  it("comes back the same", () => {
    const error = toPythonError(new RangeError("no"));
    const result = {
      id: "1",
      state: "FAILURE",
      result: null,
      error,
      traceback: "at x",
      children: [{ id: "2" }],
      doneAt: 5,
      groupId: "g",
      parentId: "p",
      extended: { name: "resize" },
    };
    expect(decodeTaskResult(encodeTaskResult(result))).toEqual(result);
  });

  it("has strings where Python had sent values that JSON does not know", () => {
    const text = '{"status": "SUCCESS", "result": [{"__type__": "decimal", "__value__": "1.10"}], "task_id": "1"}';
    expect(decodeTaskResult(text).result).toEqual(["1.10"]);
  });

  it("is final in three states, and an error in three", () => {
    const states = ["PENDING", "RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED", "PROGRESS"];
    expect(states.filter(isFinalState)).toEqual(["SUCCESS", "FAILURE", "REVOKED"]);
    expect(states.filter(isErrorState)).toEqual(["RETRY", "FAILURE", "REVOKED"]);
  });

  it("is read or refused with a reason, whatever is stored", () => {
    const names = ["status", "result", "traceback", "children", "date_done", "task_id", "group_id"];
    const value = fc.oneof(
      fc.jsonValue(),
      fc
        .dictionary(fc.constantFrom(...names), fc.jsonValue())
        .map((more) => ({ status: "FAILURE", task_id: "1", ...more })),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          value.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          const reads = [
            decodeTaskResult,
            decodeChordMember,
            decodeGroupResult,
            (text: string) => decodeRpcResult({ body: Buffer.from(text) }),
          ];
          for (const read of reads)
            expect(reasonOf(() => read(text))).toMatch(/^(none|invalid_(result|json)|too_deep)$/);
        },
      ),
    );
  });
});

describe("an error", () => {
  it.each([
    [new Error("no"), "Exception", "builtins", "Error"],
    [new TypeError("no"), "TypeError", "builtins", "TypeError"],
    [new RangeError("no"), "ValueError", "builtins", "RangeError"],
    [new SyntaxError("no"), "SyntaxError", "ts.errors", "SyntaxError"],
    [{ name: "PaymentError", message: "no" }, "PaymentError", "ts.errors", "PaymentError"],
    [{ name: "toString", message: "no" }, "toString", "ts.errors", "toString"],
  ])("is one of Python's, and comes back: %s", (error, name, module, back) => {
    const python = toPythonError(error);
    expect(python).toEqual({ name, module, message: "no", args: ["no"] });
    expect(decodePythonError(encodePythonError(python))).toEqual(python);
    expect(toErrorName(python)).toBe(back);
  });

  it("of Python keeps its name", () => {
    expect(toErrorName({ name: "KeyError", module: "builtins" })).toBe("KeyError");
    expect(toErrorName({ name: "ValueError", module: "shop.errors" })).toBe("ValueError");
  });

  it("has a name that Python can make a class of", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(toPythonError({ name, message: "" }).name).toMatch(/^[\p{L}_][\p{L}\p{N}_]*$/u);
      }),
    );
    expect(toPythonError({ name: "a.b c", message: "" }).name).toBe("a_b_c");
    expect(toPythonError({ name: "404", message: "" }).name).toBe("Error404");
  });

  it.each([
    [[], ""],
    [["no"], "no"],
    [[5], "5"],
    [[1, "two", null], "(1, 'two', None)"],
  ])("has the message that Python shows: %j", (args, message) => {
    expect(decodePythonError({ exc_type: "E", exc_module: "m", exc_message: args }).message).toBe(message);
  });

  it("of an old Celery has its message as it is", () => {
    expect(decodePythonError({ exc_type: "E", exc_message: "no" })).toMatchObject({ message: "no", args: ["no"] });
    expect(decodePythonError("gone")).toMatchObject({ name: "Exception", message: "gone" });
  });
});

describe("a tree of results", () => {
  it("comes back the same", () => {
    const tree = { id: "g", parent: { id: "p" }, parts: [{ id: "1" }, { id: "2", parent: { id: "3" } }] };
    expect(encodeResultTree(tree)).toEqual([
      ["g", [["p", null], null]],
      [
        [["1", null], null],
        [["2", [["3", null], null]], null],
      ],
    ]);
    expect(decodeResultTree(encodeResultTree(tree))).toEqual(tree);
    expect(decodeGroupResult(encodeGroupResult(tree))).toEqual(tree);
  });
});

describe("a chord's member", () => {
  it("comes back the same", () => {
    for (const member of [
      { id: "1", state: "SUCCESS", result: [1, null], error: undefined },
      { id: "1", state: "FAILURE", result: null, error: toPythonError(new Error("no")) },
    ])
      expect(decodeChordMember(encodeChordMember(member))).toEqual(member);
  });

  it("keeps the values that only Python knows, for a body that may be Python's", () => {
    const date = { ["__type__"]: "date", ["__value__"]: "2026-11-24" };
    expect(decodeChordMember(JSON.stringify([1, "1", "SUCCESS", date])).result).toEqual(date);
  });
});
