import { describe, expect, it } from "vitest";
import { BackgroundTask } from "../background/background-task.ts";
import { BackgroundTasks } from "../background/background-tasks.ts";
import { moveBackground, takeBackground } from "./attached-background.ts";
import { json } from "./json.ts";
import { withBackground } from "./with-background.ts";

describe("withBackground", () => {
  it("returns the same response, which gives its task once", () => {
    const response = new Response("x");
    const task = new BackgroundTask(() => {});
    expect(withBackground(response, task)).toBe(response);
    expect(takeBackground(response)).toBe(task);
    expect(takeBackground(response)).toBeUndefined();
  });

  it("adds up in order, the one of the options first, and runs each", async () => {
    const order: number[] = [];
    const task = (n: number): BackgroundTask => new BackgroundTask(() => order.push(n));
    const response = json({}, { background: task(1) });
    withBackground(withBackground(response, new BackgroundTasks([task(2), task(3)])), task(4));
    await takeBackground(response)!.run();
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("does not add to a list that belongs to the user", () => {
    const list = new BackgroundTasks();
    withBackground(withBackground(new Response(), list), new BackgroundTask(() => {}));
    expect(list.tasks).toEqual([]);
  });

  it("keeps the responses apart, and moves a task to a response that takes another's place", () => {
    const [first, second, third] = [new Response(), new Response(), new Response()];
    const task = new BackgroundTask(() => {});
    withBackground(first, task);
    expect(takeBackground(second)).toBeUndefined();
    expect(moveBackground(first, third)).toBe(third);
    expect(moveBackground(third, third)).toBe(third);
    expect(takeBackground(first)).toBeUndefined();
    expect(takeBackground(third)).toBe(task);
  });

  it("refuses a promise of a response, and a function in place of a task", () => {
    const task = new BackgroundTask(() => {});
    expect(() => withBackground(Promise.resolve(new Response()) as never, task)).toThrow(
      /expects a Response first, but got Promise/,
    );
    expect(() => withBackground(new Response(), (() => {}) as never)).toThrow(
      /Write new BackgroundTask\(fn, \.\.\.args\)/,
    );
    expect(() => json({}, { background: "later" as never })).toThrow(TypeError);
  });
});
