import { describe, expect, it } from "vitest";
import { createTaskMessage } from "../../celery/message.ts";
import { endedEvent, receivedEvent } from "./task-event.ts";

const error = { name: "ValueError", message: "too small", module: "builtins", args: ["too small"] };

describe("what is told of a task", () => {
  it("shows its arguments as Python does, or as its sender wants", () => {
    const message = createTaskMessage({ id: "a", task: "resize", args: ["cat", 1], kwargs: { crop: true }, eta: 0 });
    expect(receivedEvent(message)).toEqual([
      "task-received",
      {
        uuid: "a",
        name: "resize",
        args: "('cat', 1)",
        kwargs: "{'crop': True}",
        root_id: "a",
        parent_id: null,
        retries: 0,
        eta: "1970-01-01T00:00:00.000000+00:00",
        expires: null,
      },
    ]);
    const secret = { ...message, argsRepr: "(***)", kwargsRepr: "{}", shadow: "other" };
    expect(receivedEvent(secret)[1]).toMatchObject({ name: "other", args: "(***)", kwargs: "{}" });
  });

  it.each([
    [{ state: "SUCCESS", result: [null] } as const, ["task-succeeded", { uuid: "a", result: "[None]", runtime: 1.5 }]],
    [
      { state: "FAILURE", error, traceback: "here" } as const,
      ["task-failed", { uuid: "a", exception: "ValueError('too small')", traceback: "here" }],
    ],
    [
      { state: "RETRY", error, traceback: "here" } as const,
      ["task-retried", { uuid: "a", exception: "ValueError('too small')", traceback: "here" }],
    ],
    [
      { state: "REVOKED", error } as const,
      ["task-revoked", { uuid: "a", terminated: true, signum: 15, expired: false }],
    ],
  ])("says how it ended: %j", (result, event) => {
    expect(endedEvent({ id: "a", ...result }, 1_000, false, 2_500)).toEqual(event);
  });

  it("says that it did not run", () => {
    expect(endedEvent({ id: "a", state: "REVOKED", error }, undefined, true, 0)).toEqual([
      "task-revoked",
      { uuid: "a", terminated: false, signum: null, expired: true },
    ]);
  });
});
