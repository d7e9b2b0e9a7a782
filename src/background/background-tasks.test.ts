import { describe, expect, it } from "vitest";
import { DeclarationError } from "../internal/afterword-error.ts";
import { Background } from "./background.ts";
import { BackgroundTask } from "./background-task.ts";
import { BackgroundTasks } from "./background-tasks.ts";
import { currentTask } from "./current-task.ts";
import { RequestTasks } from "./request-tasks.ts";

describe("BackgroundTask", () => {
  it("calls its function with its arguments and waits for a promise that a plain function returns", async () => {
    const seen: unknown[] = [];
    const task = new BackgroundTask(
      (a: string, b: number) => new Promise<void>((resolve) => setImmediate(() => resolve(void seen.push(a, b)))),
      "x",
      2,
    );
    await task.run();
    expect(seen).toEqual(["x", 2]);
  });

  it("rejects with the error of its function", async () => {
    await expect(new BackgroundTask(() => Promise.reject(new Error("no"))).run()).rejects.toThrow("no");
  });

  it.each([
    ["undefined", undefined],
    ["'sendMail'", "sendMail"],
    ["a promise, so the function was already called", Promise.resolve()],
  ])("refuses %s in place of a function", (named, value) => {
    expect(() => new BackgroundTask(value as unknown as () => void)).toThrow(TypeError);
    expect(() => new BackgroundTasks().addTask(value as unknown as () => void)).toThrow(named);
  });
});

describe("a list that no request owns", () => {
  it("runs its tasks in order, those added by a running task at the end", async () => {
    const order: string[] = [];
    const tasks = new BackgroundTasks([new BackgroundTask(() => void order.push("first"))]);
    tasks.addTask(async () => {
      await Promise.resolve();
      order.push("second");
      tasks.addTask(() => order.push("added"));
    });
    tasks.addTask(() => order.push("third"));
    await tasks.run();
    expect(order).toEqual(["first", "second", "third", "added"]);
  });

  it("runs all and then rejects with the error, or with all errors", async () => {
    const order: string[] = [];
    const tasks = new BackgroundTasks();
    tasks.addTask(() => {
      throw new Error("one");
    });
    tasks.addTask(() => order.push("after"));
    await expect(tasks.run()).rejects.toThrow("one");
    expect(order).toEqual(["after"]);
    tasks.addTask(() => Promise.reject(new Error("two")));
    await expect(tasks.run()).rejects.toMatchObject({ errors: [{ message: "one" }, { message: "two" }] });
  });

  it("is itself a task, and runs inside another list once, even if the lists contain each other", async () => {
    const order: string[] = [];
    const inner = new BackgroundTasks([new BackgroundTask(() => order.push("inner"))]);
    const outer = new BackgroundTasks([new BackgroundTask(() => order.push("outer")), inner]);
    inner.tasks.push(outer);
    await outer.run();
    expect(order).toEqual(["outer", "inner"]);
  });

  it("skips what was removed, and goes on after the array was cleared", async () => {
    const order: string[] = [];
    const tasks = new BackgroundTasks();
    tasks.addTask(() => order.push("a"));
    tasks.addTask(() => {
      order.push("b");
      tasks.tasks.length = 0;
      tasks.addTask(() => order.push("d"));
    });
    tasks.addTask(() => order.push("c"));
    await tasks.run();
    expect(order).toEqual(["a", "b", "d"]);
  });

  it("does not grow while the tasks of a request add tasks for ever", async () => {
    const request = new RequestTasks(new Background(), { taskRequest: undefined as never });
    const { tasks } = request.list;
    let count = 0;
    let longest = 0;
    const again = (): void => {
      longest = Math.max(longest, tasks.length);
      if (++count < 10_000) request.list.addTask(again);
    };
    request.list.addTask(again);
    request.end();
    await request.settled;
    expect(count).toBe(10_000);
    expect(longest).toBeLessThan(2_100);
  });

  it("keeps its tasks, however many, so that it can run again", async () => {
    let count = 0;
    const tasks = new BackgroundTasks(Array.from({ length: 3_000 }, () => new BackgroundTask(() => count++)));
    await tasks.run();
    await tasks.run();
    expect(tasks.tasks.length).toBe(3_000);
    expect(count).toBe(6_000);
  });

  it("gives the event loop a turn between two tasks", async () => {
    const order: string[] = [];
    const tasks = new BackgroundTasks();
    tasks.addTask(() => {
      order.push("first");
      setImmediate(() => order.push("other work"));
    });
    tasks.addTask(() => order.push("second"));
    await tasks.run();
    expect(order).toEqual(["first", "other work", "second"]);
  });
});

describe("a handle", () => {
  it("knows an id in order, a name, and the outcome with the value", async () => {
    const tasks = new BackgroundTasks();
    const first = tasks.addTask(function double() {
      return Promise.resolve(2 as const);
    });
    const second = tasks.with({ name: "other" }).addTask(() => 1);
    expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second.id > first.id).toBe(true);
    expect([first.name, second.name]).toEqual(["double", "other"]);
    expect(await first.status()).toBe("queued");
    await tasks.run();
    expect(await first.status()).toBe("succeeded");
    expect(await first.done).toEqual({ status: "succeeded", value: 2 });
  });

  it("cancels a task that waits, once", async () => {
    const tasks = new BackgroundTasks();
    let ran = false;
    const handle = tasks.addTask(() => (ran = true));
    const { done } = handle;
    expect(await handle.cancel("changed my mind")).toBe(true);
    expect(await handle.cancel()).toBe(false);
    await tasks.run();
    expect(ran).toBe(false);
    expect(await done).toEqual({ status: "canceled", reason: "changed my mind" });
  });

  it("aborts the signal of a task that runs, and the list goes on", async () => {
    const tasks = new BackgroundTasks();
    const order: string[] = [];
    const handle = tasks.addTask(() => {
      const { signal } = currentTask();
      signal.addEventListener("abort", () => order.push((signal.reason as Error).message));
      queueMicrotask(() => void handle.cancel("enough"));
      return new Promise(() => {});
    });
    tasks.addTask(() => order.push("next"));
    await tasks.run();
    expect(order).toEqual(["enough", "next"]);
    expect(await handle.done).toEqual({ status: "canceled", reason: "enough" });
  });

  it("fails with code timeout when the function never settles, and the list goes on", async () => {
    const tasks = new BackgroundTasks();
    let next = false;
    const handle = tasks.with({ timeout: "10ms" }).addTask(() => new Promise(() => {}));
    tasks.addTask(() => (next = true));
    await expect(tasks.run()).rejects.toMatchObject({ code: "timeout" });
    expect(next).toBe(true);
    expect(await handle.done).toMatchObject({ status: "failed", error: { code: "timeout" } });
  });
});

describe("with()", () => {
  it("is the same list with other options", () => {
    const tasks = new BackgroundTasks();
    const view = tasks.with({ when: "always" }).with({ timeout: 5 });
    view.addTask(() => {});
    expect(view.tasks).toBe(tasks.tasks);
    expect(tasks.tasks[0]).toMatchObject({ settings: { when: "always", timeoutMs: 5 } });
  });

  it.each([[{ when: "never" }], [{ timeout: "soon" }], [{ retries: 3 }]])("refuses %j", (options) => {
    expect(() => new BackgroundTasks().with(options as never)).toThrow(DeclarationError);
  });
});

describe("currentTask()", () => {
  it("stays with its own task across awaits, also after the task was given up", async () => {
    const tasks = new BackgroundTasks();
    const late = Promise.withResolvers<string>();
    tasks.with({ timeout: "5ms", name: "slow" }).addTask(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      late.resolve(currentTask().name);
    });
    const names: string[] = [];
    tasks.with({ name: "quick" }).addTask(async () => {
      await Promise.resolve();
      names.push(currentTask().name);
    });
    await expect(tasks.run()).rejects.toMatchObject({ code: "timeout" });
    expect(names).toEqual(["quick"]);
    expect(await late.promise).toBe("slow");
  });

  it("throws outside a task and says where it works", () => {
    expect(() => currentTask()).toThrow(/outside any task/);
  });
});
