// 3-semantics.md, cases 30 to 35 and 3, 23 through every framework: the 202 promise, and `resolve`.
import {
  AfterwordError,
  BackgroundTasks,
  dependency,
  HTTPException,
  memory,
  path,
  query,
  resolve,
  task,
  type JobHandle,
} from "afterword";
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { rigged } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";
import { frameworks } from "./frameworks.ts";

keepTidy();

const background = { onError: () => {} };

describe.each(frameworks)("named tasks in $name", (framework) => {
  test("30 are stored in one batch before the first byte of the response leaves", async () => {
    const note = task("a30.note", async (_text: string) => {});
    const broker = rigged(memory());
    const gate = createGate();
    broker.rig = gate.opened;
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(note, "first");
        tasks.addTask(note, "second");
        return { body: "stored" };
      },
      { broker, worker: false },
    );
    let answered = false;
    const answer = session.request("GET", "/items/1").then((response) => {
      answered = true;
      return response;
    });
    await waitUntil(() => broker.batches.length === 1);
    await turns();
    expect(answered).toBe(false);
    expect(broker.batches[0]!.map(({ args }) => JSON.parse(args)[0])).toEqual(["first", "second"]);
    gate.open();
    expect(await answer).toMatchObject({ status: 200, text: "stored" });
    expect(broker.batches).toHaveLength(1);
  });

  test("30 hold a stream back as well, and nothing of it is lost", async () => {
    const note = task("a30.stream", async () => {});
    const broker = rigged(memory());
    const gate = createGate();
    broker.rig = gate.opened;
    const chunk = "x".repeat(50_000);
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(note);
        return {
          body: (async function* () {
            for (let count = 0; count < 10; count++) yield chunk;
          })(),
        };
      },
      { broker, worker: false },
    );
    const answer = session.request("GET", "/items/1");
    await waitUntil(() => broker.batches.length === 1);
    gate.open();
    expect((await answer).text).toBe(chunk.repeat(10));
  });

  test("31 run in a worker of this process by default", async () => {
    const ran: string[] = [];
    const run = task("a31.run", async (text: string) => void ran.push(text));
    const handles: JobHandle<void>[] = [];
    const { session } = await framework.open(({ tasks }) => {
      handles.push(tasks.addTask(run, "job"));
      return { status: 202, body: "" };
    });
    expect((await session.request("POST", "/items/1")).status).toBe(202);
    await handles[0]!.result({ timeout: "5s" });
    expect(ran).toEqual(["job"]);
  });

  test.each(["fail before storing", "fail after storing"] as const)(
    "32 answer 503 with Retry-After when they %s, and only always and error functions run",
    async (rig) => {
      const recorder = new Recorder();
      const note = task("a32.note", async () => {});
      const broker = rigged(memory());
      broker.rig = rig;
      const { session } = await framework.open(
        ({ tasks }) => {
          for (const when of ["success", "always", "error"] as const)
            tasks.with({ when }).addTask(() => recorder.add(when));
          tasks.addTask(note);
          return { status: 201, body: "never said" };
        },
        { broker, worker: false, background },
      );
      const answer = await session.request("POST", "/items/1");
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(JSON.parse(answer.text).detail).toContain("Try again later");
      await recorder.when("error");
      expect(recorder.events).toEqual(["always", "error"]);
      broker.rig = "store";
      expect((await session.request("POST", "/items/1")).status).toBe(201);
    },
  );

  test("34 of a handler that throws are not stored, unless `when` says so", async () => {
    const note = task("a34.note", async (_when: string) => {});
    const broker = rigged(memory());
    const { session } = await framework.open(
      ({ tasks }) => {
        for (const when of ["success", "always", "error"] as const) tasks.with({ when }).addTask(note, when);
        throw new HTTPException(500);
      },
      { broker, worker: false, background },
    );
    expect((await session.request("POST", "/items/1")).status).toBe(500);
    await session.finish();
    expect(broker.batches.flat().map(({ args }) => JSON.parse(args)[0])).toEqual(["always", "error"]);
  });

  test("35 that are added later are stored at once, and told of when that fails", async () => {
    const note = task("a35.note", async () => {});
    const broker = rigged(memory());
    const told: unknown[] = [];
    const late: JobHandle<void>[] = [];
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(() => {
          const handle = tasks.addTask(note);
          handle.stored.catch(() => {});
          late.push(handle);
        });
        return { body: "" };
      },
      { broker, worker: false, background: { onError: (error) => void told.push(error) } },
    );
    await session.request("GET", "/items/1");
    await waitUntil(() => late.length === 1);
    await late[0]!.stored;
    broker.rig = "fail before storing";
    await session.request("GET", "/items/1");
    await waitUntil(() => told.length === 1);
    await expect(late[1]!.stored).rejects.toMatchObject({ code: "not_stored" });
  });
});

describe.each(frameworks)("resolve in $name", (framework) => {
  test("3 solves a dependency once for the request, with its one list", async () => {
    const recorder = new Recorder();
    const base = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
      recorder.add("base solved");
      tasks.addTask(() => recorder.add("added by base"));
      return tasks;
    });
    const upper = dependency({ base }, async ({ base: list }) => list);
    const { session } = await framework.open(async ({ tasks, request }) => {
      const [one, two] = await Promise.all([resolve(request, base), resolve(request, upper)]);
      expect(one).toBe(tasks);
      expect(two).toBe(tasks);
      tasks.addTask(() => recorder.add("added by the handler"));
      return { body: "" };
    });
    expect((await session.request("GET", "/items/1")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["base solved", "added by base", "added by the handler"]);
  });

  test("23 closes function scope before jobs are stored, and request scope after the tasks", async () => {
    const recorder = new Recorder();
    const note = task("a23.note", async () => {});
    const broker = rigged(memory());
    const session1 = dependency(function* session() {
      recorder.add("request enter");
      yield "open";
      recorder.add("request exit");
    });
    const transaction = dependency({ scope: "function" }, { session1 }, function* transaction() {
      recorder.add("function enter");
      yield;
      recorder.add(`function exit, ${broker.batches.length} batches stored`);
    });
    const { session } = await framework.open(
      async ({ tasks, request }) => {
        await resolve(request, transaction);
        tasks.addTask(note);
        tasks.addTask(() => recorder.add("task"));
        return { body: "" };
      },
      { broker, worker: false },
    );
    await session.request("GET", "/items/1");
    await recorder.when("request exit");
    expect(broker.batches).toHaveLength(1);
    expect(recorder.events).toEqual([
      "request enter",
      "function enter",
      "function exit, 0 batches stored",
      "task",
      "request exit",
    ]);
  });

  test("reads the request, and refuses what is invalid with 422", async () => {
    const page = dependency({ page: query(z.int().default(1)) }, ({ page: value }) => value);
    const { session } = await framework.open(async ({ request }) => ({
      body: JSON.stringify(await resolve(request, page)),
    }));
    expect((await session.request("GET", "/items/1?page=7")).text).toBe("7");
    expect((await session.request("GET", "/items/1?page=x")).status).toBe(422);
  });
});

describe.each(frameworks.filter(({ name }) => name !== "node" && name !== "fetch"))(
  "path parameters in $name",
  (framework) => {
    test("are read by resolve as the framework has matched them", async () => {
      const item = dependency({ id: path() }, ({ id }) => id);
      const { session } = await framework.open(async ({ request }) => ({ body: await resolve(request, item) }));
      expect((await session.request("GET", "/items/caf%C3%A9%2525")).text).toMatch(/^caf(é|%C3%A9)/);
    });
  },
);

test("resolve says what it expects when no backgroundTasks has seen the request", async () => {
  const anything = dependency(() => 1);
  await expect(resolve({}, anything)).rejects.toThrow(AfterwordError);
  await expect(resolve({}, anything)).rejects.toMatchObject({ code: "no_exchange" });
  await expect(resolve({}, "x" as never)).rejects.toThrow(TypeError);
});
