// 3-semantics.md, "Context": case 26.
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { App, BackgroundTask, BackgroundTasks, currentTask, dependency, json, path, stream } from "afterword";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns } from "../support/wait-until.ts";

keepTidy();

interface Store {
  readonly user: string;
  role?: string;
}

describe.each(hosts)("case 26 over $name", (host) => {
  function createApp(): { app: App; storage: AsyncLocalStorage<Store>; recorder: Recorder } {
    const storage = new AsyncLocalStorage<Store>();
    const app = new App();
    app.use((context, next) => storage.run({ user: context.req.header("x-user") ?? "nobody" }, next));
    return { app, storage, recorder: new Recorder() };
  }

  test("26 shows tasks the AsyncLocalStorage that a middleware has set for the request, across awaits", async () => {
    const { app, storage, recorder } = createApp();
    const recordUser = async (task: string) => {
      recorder.add(`${task}: ${storage.getStore()?.user}`);
      await delay(2);
      recorder.add(`${task} later: ${storage.getStore()?.user}`);
    };
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      await delay(1);
      tasks.addTask(recordUser, "first");
      tasks.addTask(() => recorder.add(`second: ${storage.getStore()?.user}`));
      return json(null, { background: new BackgroundTask(recordUser, "of the response") });
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/", { headers: { "x-user": "ada" } })).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual([
      "first: ada",
      "first later: ada",
      "second: ada",
      "of the response: ada",
      "of the response later: ada",
    ]);
  });

  test("26 shows tasks what dependencies and the handler have put into the request's store", async () => {
    const { app, storage, recorder } = createApp();
    const setRole = dependency(async () => {
      await delay(1);
      storage.getStore()!.role = "admin";
    });
    app.get("/", { setRole, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add(`${storage.getStore()?.user} is ${storage.getStore()?.role}`));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/", { headers: { "x-user": "ada" } });
    await session.finish();
    expect(recorder.events).toEqual(["ada is admin"]);
  });

  test("26 keeps the contexts of requests apart whose tasks run at the same time", async () => {
    const { app, storage, recorder } = createApp();
    const gate = createGate();
    app.get("/:user", { user: path(), tasks: BackgroundTasks }, ({ user, tasks }) => {
      tasks.addTask(async () => {
        recorder.add(`${user} starts`);
        await gate.opened;
        recorder.add(`${user} sees ${storage.getStore()?.user}`);
      });
      tasks.addTask(() => recorder.add(`${user} still sees ${storage.getStore()?.user}`));
      return null;
    });
    const session = await host.open(app);
    const users = ["a", "b", "c"];
    await Promise.all(users.map((user) => session.request("GET", `/${user}`, { headers: { "x-user": user } })));
    for (const user of users) await recorder.when(`${user} starts`);
    gate.open();
    await session.finish();
    for (const user of users) {
      expect(recorder.count(`${user} sees ${user}`)).toBe(1);
      expect(recorder.count(`${user} still sees ${user}`)).toBe(1);
    }
  });

  test("26 shows the request's context to a task that a stream's producer, clean-up or another task adds", async () => {
    const { app, storage, recorder } = createApp();
    const record = (name: string) => recorder.add(`${name}: ${storage.getStore()?.user}`);
    const cleaning = dependency({ tasks: BackgroundTasks }, async function* ({ tasks }) {
      yield null;
      await delay(1);
      tasks.addTask(record, "by clean-up");
    });
    app.get("/", { cleaning, tasks: BackgroundTasks }, ({ tasks }) =>
      stream(
        (async function* () {
          yield "a";
          await delay(1);
          tasks.addTask(() => {
            record("by the producer");
            tasks.addTask(record, "by a task");
          });
          yield "b";
        })(),
      ),
    );
    const session = await host.open(app);
    expect((await session.request("GET", "/", { headers: { "x-user": "ada" } })).text).toBe("ab");
    await session.finish();
    expect(recorder.events).toEqual(["by the producer: ada", "by a task: ada", "by clean-up: ada"]);
  });

  test("26 lets nothing that a task sets leak into another request", async () => {
    const storage = new AsyncLocalStorage<string>();
    const recorder = new Recorder();
    const app = new App();
    app.get("/sets", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => storage.enterWith("set by a task"));
      tasks.addTask(async () => {
        storage.enterWith("set by an async task");
        await delay(1);
      });
      tasks.addTask(() => recorder.add("tasks end"));
      return null;
    });
    app.get("/reads", { tasks: BackgroundTasks }, ({ tasks }) => {
      recorder.add(`handler sees ${storage.getStore()}`);
      tasks.addTask(() => recorder.add(`task sees ${storage.getStore()}`));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/sets");
    await recorder.when("tasks end");
    // Over the socket this is the same connection.
    await session.request("GET", "/reads");
    await recorder.when("task sees undefined");
    expect(recorder.events).toEqual(["tasks end", "handler sees undefined", "task sees undefined"]);
    expect(storage.getStore()).toBeUndefined();
  });

  test("26 gives each task its own currentTask, which is there in no handler", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const ids = new Map<string, string>();
    const app = new App();
    const look = () => {
      try {
        return currentTask().name;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    app.get("/:name", { name: path(), tasks: BackgroundTasks }, ({ name, tasks }) => {
      recorder.add(`handler of ${name}: ${look()}`);
      const handle = tasks.with({ name }).addTask(async () => {
        recorder.add(`${name} starts`);
        await gate.opened;
        ids.set(name, currentTask().id);
        recorder.add(`${name} is ${currentTask().name}, attempt ${currentTask().attempt}`);
      });
      ids.set(`handle of ${name}`, handle.id);
      return null;
    });
    const session = await host.open(app);
    for (const name of ["a", "b"]) {
      await session.request("GET", `/${name}`);
      await recorder.when(`${name} starts`);
    }
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual([
      "handler of a: no_current_task",
      "a starts",
      "handler of b: no_current_task",
      "b starts",
      "a is a, attempt 1",
      "b is b, attempt 1",
    ]);
    for (const name of ["a", "b"]) expect(ids.get(name)).toBe(ids.get(`handle of ${name}`));
    expect(look()).toBe("no_current_task");
  });
});

describe("case 26 on the wire", () => {
  test("26 lets nothing leak into a request that is pipelined behind one whose task sets something", async () => {
    const storage = new AsyncLocalStorage<string>();
    const recorder = new Recorder();
    const app = new App();
    app.get("/:number", { number: path(), tasks: BackgroundTasks }, ({ number, tasks }) => {
      recorder.add(`${number} sees ${storage.getStore()}`);
      tasks.addTask(() => {
        storage.enterWith(`task of ${number}`);
        recorder.add(`task of ${number}`);
      });
      return number;
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchanges = ["1", "2", "3"].map((number) => client.send("GET", `/${number}`));
    for (const exchange of exchanges) await exchange.response;
    for (const number of ["1", "2", "3"]) await recorder.when(`task of ${number}`);
    await turns();
    expect((await client.send("GET", "/4").response).text).toBe('"4"');
    for (const number of ["1", "2", "3", "4"]) expect(recorder.count(`${number} sees undefined`)).toBe(1);
  });
});
