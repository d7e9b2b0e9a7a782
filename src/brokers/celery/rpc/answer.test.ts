import { describe, expect, it } from "vitest";
import { encodeTaskResult } from "../../../celery/result.ts";
import { decodeAnswer, encodeAnswer, type Answer } from "./answer.ts";

function travel(answer: Answer): Answer {
  const { headers, properties, body } = encodeAnswer(answer);
  return decodeAnswer({ headers, properties, body });
}

describe("answers", () => {
  it("carry a result, and for programs of ours what Celery has no place for", () => {
    const error = { name: "Error", message: "broken", module: "builtins", args: ["broken"] };
    const extended = { afterword_error: { name: "Error", message: "broken", code: "e_own" } };
    const text = encodeTaskResult({ id: "a", state: "FAILURE", error, extended, doneAt: Date.now() });
    const record = { state: "failed", endedAt: "5", retries: "0" };
    const heard = travel({ id: "a", text, note: { record, keepMs: 7, failure: "{}", log: ["one"], sent: ["b"] } });
    expect(heard.note).toEqual({ record, keepMs: 7, failure: "{}", log: ["one"], sent: ["b"], extended });
    expect(JSON.parse(heard.text!)).toMatchObject({ status: "FAILURE", task_id: "a", ...extended });
  });

  it("say that there is no result, not any more", () => {
    expect(travel({ id: "a", text: undefined, note: undefined })).toEqual({
      id: "a",
      text: undefined,
      note: undefined,
    });
  });

  it("keep the result when what is said beside it has no room in a header", () => {
    const result = "x".repeat(100_000);
    const text = encodeTaskResult({ id: "a", state: "SUCCESS", result });
    const note = { record: { state: "succeeded", result: JSON.stringify(result) } };
    const heard = travel({ id: "a", text, note });
    expect(heard.note?.record).toEqual({ state: "succeeded" });
    expect(JSON.parse(heard.text!)).toMatchObject({ status: "SUCCESS", result });
  });

  it.each([
    "{",
    "null",
    "[]",
    '{"record": 1}',
    '{"record": {"state": 1, "progress": "{", "result": 5, "job": "{}", "ended": "1"}, "log": [1], "sent": "b", "failure": "{"}',
  ])("take nothing of a note that is not as ours are: %s", (header) => {
    const { properties, body } = encodeAnswer({ id: "a", text: undefined, note: undefined });
    const { note } = decodeAnswer({ headers: { afterword: header }, properties, body });
    expect(note?.record ?? {}).toEqual({});
    expect([note?.log ?? [], note?.sent ?? [], note?.failure]).toEqual([[], [], undefined]);
  });
});
