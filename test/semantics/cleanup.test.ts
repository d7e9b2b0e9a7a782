// 3-semantics.md, "Dependencies with clean-up": cases 23 to 25.
import { setTimeout as delay } from "node:timers/promises";
import { App, BackgroundTasks, HTTPException, dependency, file, files, json, stream, type Upload } from "afterword";
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { accepted, onServerWrite } from "../support/server-sockets.ts";
import { filesIn } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";

const { tempDirectory } = keepTidy();

class Trouble extends Error {}

describe.each(hosts)("case 23 over $name", (host) => {
  const requestScope = (recorder: Recorder) =>
    dependency({ scope: "request" }, {}, async function* () {
      recorder.add("request enter");
      await delay(1);
      yield "request";
      await delay(1);
      recorder.add("request exit");
    });
  const functionScope = (recorder: Recorder) =>
    dependency({ scope: "function" }, {}, async function* () {
      recorder.add("function enter");
      await delay(1);
      yield "function";
      await delay(1);
      recorder.add("function exit");
    });

  test("23 keeps the order: request enter, function enter, endpoint, validation, function exit, head, body, tasks, request exit", async () => {
    const recorder = new Recorder();
    const schema = z.object({ message: z.string() }).refine(() => {
      recorder.add("response validated");
      return true;
    });
    const app = new App();
    app.get(
      "/",
      { response: schema },
      { request: requestScope(recorder), fn: functionScope(recorder), tasks: BackgroundTasks },
      async ({ tasks }) => {
        tasks.addTask(async () => {
          await delay(1);
          recorder.add("task 1");
        });
        tasks.addTask(() => recorder.add("task 2"));
        recorder.add("endpoint");
        return { message: "the body" };
      },
    );

    if (host.name === "socket") {
      const server = await startApp(app);
      const client = await RawClient.connect(server.port);
      await accepted(client);
      onServerWrite(client, (written) => {
        if (written.includes("HTTP/1.1 200")) recorder.add("head");
        if (written.includes("the body")) recorder.add("body");
      });
      expect((await client.send("GET", "/").response).text).toBe('{"message":"the body"}');
    } else {
      const session = await host.open(app);
      const answer = await session.begin("GET", "/");
      recorder.add("head");
      await turns();
      expect(await answer.rest()).toBe('{"message":"the body"}');
      recorder.add("body");
    }
    await recorder.when("request exit");
    expect(recorder.events).toEqual([
      "request enter",
      "function enter",
      "endpoint",
      "response validated",
      "function exit",
      "head",
      "body",
      "task 1",
      "task 2",
      "request exit",
    ]);
  });

  test("23 closes the function scope before a stream starts, and the request scope after its last chunk", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { request: requestScope(recorder), fn: functionScope(recorder) }, () =>
      stream(
        (async function* () {
          recorder.add("stream starts");
          yield "a";
          await delay(5);
          recorder.add("stream ends");
        })(),
      ),
    );
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toBe("a");
    await session.finish();
    await recorder.when("request exit");
    expect(recorder.events).toEqual([
      "request enter",
      "function enter",
      "function exit",
      "stream starts",
      "stream ends",
      "request exit",
    ]);
  });

  test("23 closes dependencies of one scope in the reverse of the order in which they were opened", async () => {
    const recorder = new Recorder();
    const opens = (scope: "request" | "function", name: string) =>
      dependency({ scope }, {}, function* () {
        yield name;
        recorder.add(`${name} exit`);
      });
    const app = new App({ dependencies: [opens("request", "request 1")] });
    app.get(
      "/",
      { dependencies: [opens("function", "function 1")] },
      { a: opens("request", "request 2"), b: opens("function", "function 2"), tasks: BackgroundTasks },
      ({ tasks }) => {
        tasks.addTask(() => recorder.add("task"));
        return null;
      },
    );
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["function 2 exit", "function 1 exit", "task", "request 2 exit", "request 1 exit"]);
  });

  test.each([
    ["an HTTPException", 503, () => new HTTPException(503, "not committed")],
    ["another error", 409, () => new Trouble("not committed")],
  ])("23 answers %s that a function-scope exit throws, and drops the tasks", async (_name, status, toError) => {
    const recorder = new Recorder();
    const dropped: string[] = [];
    const transaction = dependency({ scope: "function" }, {}, async function* () {
      yield "open";
      await delay(1);
      recorder.add("commit fails");
      throw toError();
    });
    const app = new App();
    app.background.on("dropped", ({ name }) => dropped.push(name));
    app.onError(Trouble, (error) => json({ detail: error.message }, { status: 409 }));
    app.get("/", { transaction, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      return "never sent";
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([status, '{"detail":"not committed"}']);
    await session.finish();
    expect(recorder.events).toEqual(["commit fails", "always"]);
    expect(dropped).toEqual(["success"]);
  });

  test("23 does not commit an outer transaction after an inner one failed to", async () => {
    const recorder = new Recorder();
    const outer = dependency({ scope: "function" }, {}, function* () {
      try {
        yield "outer";
        recorder.add("outer commits");
      } catch (error) {
        recorder.add("outer rolls back");
        throw error;
      }
    });
    const inner = dependency({ scope: "function" }, { outer }, function* () {
      yield "inner";
      throw new HTTPException(503);
    });
    const app = new App();
    app.get("/", { inner }, () => null);
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(503);
    expect(recorder.events).toEqual(["outer rolls back"]);
  });

  test("23 throws an error of the handler into open dependencies, innermost first, and runs no clean-up twice", async () => {
    const recorder = new Recorder();
    const a = dependency(async function* () {
      try {
        yield "a";
      } catch (error) {
        recorder.add(`a sees ${(error as Error).message}`);
        throw error;
      } finally {
        recorder.add("a closed");
      }
    });
    const b = dependency({ a }, function* () {
      try {
        yield "b";
      } catch (error) {
        recorder.add(`b sees ${(error as Error).message}`);
        throw new Trouble("translated by b");
      } finally {
        recorder.add("b closed");
      }
    });
    const app = new App();
    app.onError(Trouble, (error) => json({ detail: error.message }, { status: 409 }));
    app.get("/", { b }, () => {
      throw new Error("of the handler");
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([409, '{"detail":"translated by b"}']);
    await session.finish();
    expect(recorder.events).toEqual(["b sees of the handler", "b closed", "a sees translated by b", "a closed"]);
  });

  test("23 shows a task the nested generators as started, and finishes them afterwards, b before a", async () => {
    const state: Record<string, string> = { a: "not started a", b: "not started b", task: "not set" };
    const getA = dependency(async function* () {
      state["a"] = "started a";
      try {
        yield state;
      } finally {
        state["a"] = "finished a";
      }
    });
    const getB = dependency({ a: getA }, async function* () {
      state["b"] = "started b";
      try {
        yield state;
      } finally {
        state["b"] = `finished b with a: ${state["a"]}`;
      }
    });
    const app = new App();
    app.get("/", { state: getB, tasks: BackgroundTasks }, ({ state: given, tasks }) => {
      tasks.addTask(async (seen: Record<string, string>) => {
        await delay(1);
        seen["task"] = `b: ${seen["b"]} - a: ${seen["a"]}`;
      }, given);
      return given;
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect(JSON.parse(answer.text)).toEqual({ a: "started a", b: "started b", task: "not set" });
    await session.finish();
    expect(state).toEqual({
      task: "b: started b - a: started a",
      b: "finished b with a: started a",
      a: "finished a",
    });
  });

  test("23 reports an error of request-scope clean-up after the response, and closes the others", async () => {
    const recorder = new Recorder();
    const told: unknown[] = [];
    const error = new Error("of the clean-up");
    const outer = dependency(function* () {
      yield "outer";
      recorder.add("outer exit");
    });
    const inner = dependency({ outer }, async function* () {
      yield "inner";
      throw error;
    });
    const app = new App({ background: { onError: (given) => void told.push(given) } });
    app.get("/", { inner, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "untouched";
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([200, '"untouched"']);
    await session.finish();
    expect(recorder.events).toEqual(["task", "outer exit"]);
    expect(told).toEqual([error]);
  });
});

describe.each(hosts)("case 24 over $name", (host) => {
  test.each(["request", "function"] as const)(
    "24 runs a task that is added in the clean-up of %s scope",
    async (scope) => {
      const recorder = new Recorder();
      const adds = dependency({ scope }, { tasks: BackgroundTasks }, async function* ({ tasks }) {
        yield "value";
        await delay(1);
        tasks.addTask(async () => {
          await delay(1);
          recorder.add("added in clean-up");
          tasks.addTask(() => recorder.add("added by that task"));
        });
      });
      const app = new App();
      app.get("/", { adds, tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add("of the endpoint"));
        return null;
      });
      const session = await host.open(app);
      await session.request("GET", "/");
      await session.finish();
      expect(recorder.events).toEqual(["of the endpoint", "added in clean-up", "added by that task"]);
    },
  );

  test("24 runs it when there was no task before, and although later clean-up fails", async () => {
    const recorder = new Recorder();
    const told: unknown[] = [];
    const fails = dependency(function* () {
      yield "outer";
      throw new Error("of the clean-up");
    });
    const adds = dependency({ fails, tasks: BackgroundTasks }, function* ({ tasks }) {
      yield "inner";
      tasks.addTask(() => recorder.add("added in clean-up"));
    });
    const app = new App({ background: { onError: (error) => void told.push(error) } });
    app.get("/", { adds }, () => null);
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    await recorder.when("added in clean-up");
    await waitUntil(() => told.length === 1);
  });

  test.each(["request", "function"] as const)(
    "24 runs an always task that is added in the clean-up of %s scope after an error, and reports another",
    async (scope) => {
      const recorder = new Recorder();
      const dropped: string[] = [];
      const adds = dependency({ scope }, { tasks: BackgroundTasks }, async function* ({ tasks }) {
        try {
          yield "value";
        } finally {
          tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
          tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
        }
      });
      const app = new App();
      app.background.on("dropped", ({ name }) => dropped.push(name));
      app.get("/", { adds }, () => {
        throw new HTTPException(400);
      });
      const session = await host.open(app);
      expect((await session.request("GET", "/")).status).toBe(400);
      await session.finish();
      await recorder.when("always");
      expect(recorder.events).toEqual(["always"]);
      expect(dropped).toEqual(["success"]);
    },
  );
});

describe.each(hosts)("case 25 over $name", (host) => {
  const large = "line of the upload\n".repeat(200_000);

  function formWith(...contents: string[]): FormData {
    const form = new FormData();
    contents.forEach((content, index) =>
      form.append(
        contents.length > 1 ? "documents" : "document",
        new File([content], `${index}.txt`, { type: "text/plain" }),
      ),
    );
    return form;
  }

  async function read(upload: Upload): Promise<string> {
    const decoder = new TextDecoder();
    let content = "";
    for await (const chunk of upload.stream()) content += decoder.decode(chunk, { stream: true });
    return content;
  }

  test.each([
    ["small", "a few bytes"],
    ["large", large],
  ])("25 lets a task read a %s upload, and removes its temporary file after the tasks", async (_size, content) => {
    const gate = createGate();
    const recorder = new Recorder();
    const seen: string[] = [];
    const app = new App();
    app.post("/", { document: file(), tasks: BackgroundTasks }, ({ document, tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first task");
        await gate.opened;
        seen.push(document.name, await read(document));
      });
      tasks.addTask(async () => {
        seen.push(await read(document));
        recorder.add("second task");
      });
      return { size: document.size };
    });
    const session = await host.open(app);
    const answer = await session.request("POST", "/", { form: formWith(content) });
    expect([answer.status, answer.text]).toEqual([200, JSON.stringify({ size: content.length })]);
    await recorder.when("first task");
    const filesMeanwhile = await filesIn(tempDirectory());
    if (content === large) expect(filesMeanwhile).toHaveLength(1);
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["first task", "second task"]);
    expect(seen[0]).toBe("0.txt");
    expect(seen[1] === content && seen[2] === content).toBe(true);
    expect(await filesIn(tempDirectory())).toEqual([]);
  });

  test("25 removes the temporary files of several uploads when no task was added", async () => {
    const app = new App();
    app.post("/", { documents: files() }, ({ documents }) => documents.map(({ size }) => size));
    const session = await host.open(app);
    const answer = await session.request("POST", "/", { form: formWith(large, large) });
    expect([answer.status, answer.text]).toEqual([200, JSON.stringify([large.length, large.length])]);
    await session.finish();
    await waitUntil(async () => (await filesIn(tempDirectory())).length === 0);
  });

  test("25 removes it after a task that failed, after an error and after a 422", async () => {
    const recorder = new Recorder();
    const app = new App({ background: { onError: () => recorder.add("task failed") } });
    app.post("/failing-task", { document: file(), tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => Promise.reject(new Error("of the task")));
      return null;
    });
    app.post("/error", { document: file(), tasks: BackgroundTasks }, ({ document, tasks }) => {
      tasks.with({ when: "always" }).addTask(async () => {
        recorder.add(`after an error it has ${(await read(document)).length} bytes`);
      });
      throw new HTTPException(400);
    });
    app.post("/invalid", { document: file(), other: file() }, () => null);
    const session = await host.open(app);
    const form = { form: formWith(large) };
    expect((await session.request("POST", "/failing-task", form)).status).toBe(200);
    expect((await session.request("POST", "/error", form)).status).toBe(400);
    expect((await session.request("POST", "/invalid", form)).status).toBe(422);
    await session.finish();
    await waitUntil(async () => (await filesIn(tempDirectory())).length === 0);
    expect(recorder.events.toSorted()).toEqual([`after an error it has ${large.length} bytes`, "task failed"]);
  });
});

describe("case 25 on the wire", () => {
  test("25 removes the temporary file of an upload whose client goes in the middle", async () => {
    const app = new App();
    const recorder = new Recorder();
    app.post("/", { document: file() }, () => {
      recorder.add("handler");
      return null;
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    client.begin("POST", "/", { "content-type": "multipart/form-data; boundary=b", "content-length": "9000000" });
    client.write(
      '--b\r\ncontent-disposition: form-data; name="document"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n',
    );
    client.write("x".repeat(4_000_000));
    await waitUntil(async () => (await filesIn(tempDirectory())).length === 1, { what: "a temporary file is there" });
    client.hangUp();
    await waitUntil(async () => (await filesIn(tempDirectory())).length === 0, { what: "the temporary file is gone" });
    expect(recorder.events).toEqual([]);
  });
});
