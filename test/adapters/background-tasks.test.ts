// 3-semantics.md through every framework: the cases that depend on where a response is made and watched. What depends on the
// list alone (5, 6, 13, 18, 20 to 22) is the same code for all and is tested in test/semantics.
import { AsyncLocalStorage } from "node:async_hooks";
import { currentTask } from "afterword";
import { describe, expect, vi } from "vitest";
import { createGate } from "../support/gate.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns } from "../support/wait-until.ts";
import { frameworks, testOf } from "./frameworks.ts";

keepTidy();

describe.each(frameworks)("background tasks in $name", (framework) => {
  const test = testOf(framework);

  test("1 start after the whole response, and hold up no other request", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const { session } = await framework.open(({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("task started");
        await gate.opened;
        recorder.add("task ended");
      });
      recorder.add("handler returns");
      return { body: "answer" };
    });
    expect(await session.request("GET", "/items/1")).toMatchObject({ status: 200, text: "answer" });
    await recorder.when("task started");
    expect((await session.request("GET", "/items/2")).text).toBe("answer");
    expect(recorder.has("task ended")).toBe(false);
    expect(recorder.events.slice(0, 2)).toEqual(["handler returns", "task started"]);
    gate.open();
    await session.finish();
    expect(recorder.count("task ended")).toBe(2);
  });

  test("2 run one after the other, over the live list", async () => {
    const recorder = new Recorder();
    const { session } = await framework.open(({ tasks }) => {
      for (const name of ["a", "b"])
        tasks.addTask(async () => {
          recorder.add(`${name} starts`);
          await turns(2);
          if (name === "a") tasks.addTask(() => recorder.add("added by a"));
          recorder.add(`${name} ends`);
        });
      return { body: "" };
    });
    await session.request("GET", "/items/1");
    await session.finish();
    expect(recorder.events).toEqual(["a starts", "a ends", "b starts", "b ends", "added by a"]);
  });

  test("7 of a stream start after its last chunk", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const { session } = await framework.open(({ tasks }) => {
      tasks.addTask(() => recorder.add("added by the handler"));
      return {
        body: (async function* () {
          yield "first ";
          await gate.opened;
          tasks.addTask(() => recorder.add("added by the stream"));
          recorder.add("last chunk");
          yield "last";
        })(),
      };
    });
    const answer = await session.begin("GET", "/items/1");
    await answer.received("first");
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect(await answer.rest()).toBe("first last");
    await session.finish();
    expect(recorder.events).toEqual(["last chunk", "added by the handler", "added by the stream"]);
  });

  test("7 first added by the stream start after its last chunk", async () => {
    const recorder = new Recorder();
    const { session } = await framework.open(({ tasks }) => ({
      body: (async function* () {
        yield "first ";
        tasks.addTask(() => recorder.add("task"));
        await turns(5);
        recorder.add("last chunk");
        yield "last";
      })(),
    }));
    expect((await session.request("GET", "/items/1")).text).toBe("first last");
    await session.finish();
    expect(recorder.events).toEqual(["last chunk", "task"]);
  });

  for (const status of [204, 404, 500])
    test(`11 with status ${status} run`, async () => {
      const recorder = new Recorder();
      const { session } = await framework.open(({ tasks }) => {
        tasks.addTask(() => recorder.add("ran"));
        return { status, body: "" };
      });
      expect((await session.request("GET", "/items/1")).status).toBe(status);
      await recorder.when("ran");
    });

  test("12 of a handler that throws are dropped and reported, unless `when` says otherwise", async () => {
    const recorder = new Recorder();
    const { session, control } = await framework.open(({ tasks }) => {
      for (const when of ["success", "always", "error"] as const)
        tasks.with({ when, name: when }).addTask(() => recorder.add(when));
      throw new Error("broken");
    });
    control.background.on("dropped", ({ name }) => recorder.add(`dropped ${name}`));
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await session.request("GET", "/items/1")).status).toBe(500);
    await session.finish();
    told.mockRestore();
    expect(recorder.events).toEqual(["dropped success", "always", "error"]);
  });

  test("15 run after the client has hung up before its answer", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const { session } = await framework.open(async ({ tasks }) => {
      tasks.addTask(() => recorder.add(`ran, client gone: ${currentTask().request?.signal.aborted}`));
      recorder.add("handler");
      await gate.opened;
      return { body: "too late" };
    });
    const client = await session.impatient();
    client.send("GET", "/items/1");
    await recorder.when("handler");
    await client.hangUp();
    await turns();
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["handler", "ran, client gone: true"]);
  });

  test("15 run when a stream breaks on the client's side", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const { session } = await framework.open(({ tasks }) => {
      tasks.addTask(() => recorder.add(`ran, client gone: ${currentTask().request?.signal.aborted}`));
      return {
        body: (async function* () {
          yield "first";
          await gate.opened;
          yield "never read";
        })(),
      };
    });
    const answer = await session.begin("GET", "/items/1");
    await answer.received("first");
    await answer.hangUp();
    gate.open();
    await recorder.when("ran, client gone: true");
  });

  test("15 are dropped when the producer of a stream throws", async () => {
    const recorder = new Recorder();
    const { session, control } = await framework.open(
      ({ tasks }) => {
        tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
        tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
        return {
          body: (async function* () {
            yield "first";
            await turns(2);
            throw new Error("the producer broke");
          })(),
        };
      },
      { background: { onError: () => {} } },
    );
    control.background.on("dropped", ({ name }) => recorder.add(`dropped ${name}`));
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await session.begin("GET", "/items/1");
    await expect(answer.rest()).rejects.toThrow();
    await recorder.when("error");
    told.mockRestore();
    expect(recorder.events).toEqual(["dropped success", "error"]);
  });

  test("17 that fail stop nothing, and are told of once", async () => {
    const recorder = new Recorder();
    const errors: unknown[] = [];
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(() => Promise.reject(new Error("no mail today")));
        tasks.addTask(() => recorder.add("the next one"));
        return { body: "fine" };
      },
      { background: { onError: (error, { name, kind }) => void errors.push(String(error), name, kind) } },
    );
    expect((await session.request("GET", "/items/1")).text).toBe("fine");
    await recorder.when("the next one");
    expect((await session.request("GET", "/items/1")).text).toBe("fine");
    await session.finish();
    expect(errors.slice(0, 3)).toEqual(["Error: no mail today", "anonymous", "task"]);
    expect(errors).toHaveLength(6);
  });

  test("26 see the AsyncLocalStorage of their handler, and of no other request", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    let count = 0;
    const { session } = await framework.open(async ({ tasks }) => {
      const name = `request ${++count}`;
      return storage.run(name, async () => {
        await turns(1);
        tasks.addTask(async () => {
          seen.push(storage.getStore());
          storage.enterWith("left behind");
        });
        return { body: "" };
      });
    });
    await session.request("GET", "/items/1");
    await session.request("GET", "/items/2");
    await session.finish();
    expect(seen).toEqual(["request 1", "request 2"]);
  });

  test("27 beyond maxPending are refused with 503 and Retry-After", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const { session, control } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(() => gate.opened);
        tasks.addTask(() => recorder.add("second"));
        return { body: "accepted" };
      },
      { background: { maxPending: 2 } },
    );
    control.background.on("dropped", () => recorder.add("dropped"));
    control.background.on("started", () => recorder.add("started"));
    expect((await session.request("GET", "/items/1")).status).toBe(200);
    await recorder.when("started");
    const refused = await session.request("GET", "/items/2");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    gate.open();
    await session.finish();
    expect(recorder.count("second")).toBe(1);
    expect(recorder.count("dropped")).toBe(1);
  });

  test("28 are waited for when the server shuts down", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const answering = createGate();
    const { session, close } = await framework.open(async ({ tasks }) => {
      recorder.add("handler");
      await answering.opened;
      tasks.addTask(async () => {
        await gate.opened;
        tasks.addTask(() => recorder.add("added while draining"));
      });
      return { body: "late" };
    });
    const answer = session.request("GET", "/items/1");
    await recorder.when("handler");
    // Where there is no server, the host goes on with the request that it has.
    const closing = framework.exceptions["28 over keep-alive connections"] ? undefined : close();
    await turns(5);
    answering.open();
    expect((await answer).text).toBe("late");
    const closed = closing ?? close();
    await turns(5);
    expect(recorder.has("added while draining")).toBe(false);
    gate.open();
    expect(await closed).toMatchObject({ ok: true, lost: [] });
    expect(recorder.events).toEqual(["handler", "added while draining"]);
  });

  test("28 are aborted and reported as lost at the deadline", async () => {
    const recorder = new Recorder();
    const { session, close } = await framework.open(
      ({ tasks }) => {
        tasks.with({ name: "endless" }).addTask(async () => {
          const { signal } = currentTask();
          recorder.add("started");
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          throw new Error("aborted");
        });
        return { body: "" };
      },
      { background: { drainTimeout: "20ms" } },
    );
    await session.request("GET", "/items/1");
    await recorder.when("started");
    expect(await close()).toMatchObject({ ok: false, lost: [{ name: "endless", wasRunning: true }] });
  });
});
