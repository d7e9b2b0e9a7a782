import * as z from "zod";
import { describe, expect, it } from "vitest";
import { App, BackgroundTasks, dependency, path, query, Reply, task } from "afterword";

describe("task()", () => {
  it("is still just the function when it is called: a promise, its dependencies solved and closed", async () => {
    const log: string[] = [];
    const db = dependency(async function* connect() {
      log.push("open");
      yield { find: (id: string) => `row ${id}` };
      log.push("close");
    });
    const find = task("unit.find", {}, { db }, ({ db: open }, id: string) => {
      log.push(`find ${id}`);
      return open.find(id);
    });
    expect(await find("1")).toBe("row 1");
    expect(log).toEqual(["open", "find 1", "close"]);
    expect(find.name).toBe("unit.find");
  });

  it("rejects with the function's own error when it is called", async () => {
    const broken = task("unit.broken", () => {
      throw new TypeError("no");
    });
    await expect(broken()).rejects.toThrow(TypeError);
  });

  it("throws an error into open dependencies, innermost first, and into the outer ones when a commit fails", async () => {
    const seen: string[] = [];
    const outer = dependency(async function* outer() {
      try {
        yield 1;
      } catch (error) {
        seen.push(`outer ${(error as Error).message}`);
        throw error;
      }
    });
    const inner = dependency({ scope: "function" }, { outer }, async function* inner() {
      yield 2;
      seen.push("commit");
      throw new Error("commit failed");
    });
    const save = task("unit.save", {}, { inner }, () => "done");
    await expect(save()).rejects.toThrow("commit failed");
    expect(seen).toEqual(["commit", "outer commit failed"]);
  });

  it.each([
    ["path()", { id: path() }, 'needs path "id" of a request'],
    ["query()", { q: query(z.string()) }, 'needs query "q" of a request'],
    ["Request", { request: Request }, "needs the Request of a request"],
    ["Reply", { reply: Reply }, "needs the Reply of a request"],
    ["BackgroundTasks", { tasks: BackgroundTasks }, "needs BackgroundTasks, which belong to a request"],
    ["a dependency on a header", { user: dependency({ q: query() }, ({ q }) => q) }, 'needs query "q" of a request'],
  ])("refuses %s at definition", (_, params, message) => {
    expect(() => task("unit.request-only", {}, params as never, () => 1)).toThrow(message);
  });

  it.each<[unknown[], string]>([
    [[], "task() expects (name, fn)"],
    [["only a name"], "task() expects"],
    [["a", {}, {}, {}, () => 1], "task() expects"],
    [["", () => 1], "The name of a task must be a string of 1 to 255 characters"],
    [["a", { retries: 3 }, () => 1], 'Task "a" has no option "retries". It has queue, attempts'],
    [["a", { attempts: 0 }, () => 1], "attempts must be an integer of 1 or more, but got 0"],
    [["a", { priority: 10 }, () => 1], "priority must be an integer from 0 to 9, but got 10"],
    [["a", { backoff: 5 }, () => 1], "backoff must be made by exponential("],
    [["a", { timeout: "soon" }, () => 1], 'timeout must be a number of milliseconds or a string such as "250ms"'],
    [["a", { rateLimit: { limit: 1 } }, () => 1], "rateLimit.per must be a number of milliseconds"],
    [["a", { rateLimit: 5 }, () => 1], 'rateLimit must be such as { limit: 10, per: "1s" }'],
    [["a", { args: {} }, () => 1], "args must be a Standard Schema"],
    [["a", { transaction: {} }, () => 1], 'has no option "transaction"'],
  ])("refuses %j with a sentence", (given, message) => {
    expect(() => (task as (...args: unknown[]) => unknown)(...given)).toThrow(message);
  });

  it("lets the same module define a name again, and refuses another module", async () => {
    task("unit.same", () => 1);
    const again = task("unit.same", () => 2);
    expect(await again()).toBe(2);
    await import("./task-elsewhere.fixture.ts");
    expect(() => task("unit.elsewhere", () => 1)).toThrow(
      /Two tasks are called "unit\.elsewhere": one is defined in .*task-elsewhere\.fixture\.ts, another in .*task\.test\.ts/,
    );
  });

  it("refuses wrong options of with() where they are given", () => {
    const mail = task("unit.mail", async (_to: string) => {});
    expect(() => mail.with({ delay: "soon" as never })).toThrow('Task "unit.mail".with(): delay must be');
    expect(() => mail.with({ maxRunning: 1 } as never)).toThrow('Task "unit.mail".with() has no option "maxRunning"');
  });

  it("throws no_broker from enqueue when nothing is open", async () => {
    const mail = task("unit.nowhere", async () => {});
    await expect(mail.enqueue()).rejects.toMatchObject({ code: "no_broker" });
    void App;
  });
});
