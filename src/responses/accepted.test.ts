import { describe, expect, it } from "vitest";
import { BackgroundTask } from "../background/background-task.ts";
import { BackgroundTasks } from "../background/background-tasks.ts";
import { accepted } from "./accepted.ts";
import { takeBackground } from "./attached-background.ts";

describe("accepted", () => {
  it("answers a task with its id and that it is queued", async () => {
    const handle = new BackgroundTasks().addTask(() => {});
    const response = accepted(handle);
    expect(response.status).toBe(202);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe(`{"id":"${handle.id}","status":"queued"}`);
  });

  it("does not ask a handle for its promise", () => {
    const handle = {
      id: "7",
      name: "index",
      status: async () => "queued" as const,
      get done(): never {
        throw new Error("done was asked for");
      },
      cancel: async () => true,
    };
    expect(accepted(handle).status).toBe(202);
  });

  it("answers content as JSON, and nothing as null", async () => {
    expect(await accepted({ position: 3 }).text()).toBe('{"position":3}');
    expect(await accepted({ id: "7", name: "no handle" }).text()).toBe('{"id":"7","name":"no handle"}');
    const response = accepted();
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("null");
  });

  it("takes headers and a background", () => {
    const task = new BackgroundTask(() => {});
    const response = accepted(undefined, { headers: { "retry-after": "3" }, background: task });
    expect(response.headers.get("retry-after")).toBe("3");
    expect(takeBackground(response)).toBe(task);
  });
});
