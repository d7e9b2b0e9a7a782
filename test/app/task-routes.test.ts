import { App, currentTask, dependency, header, HTTPException, memory, task, taskRoutes, type Broker } from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { hosts, startApp, type Session } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const add = task("routes.add", async (a: number, b: number) => a + b);
const broken = task("routes.broken", { attempts: 1 }, async (_secret: string) => {
  throw Object.assign(new TypeError("no"), { code: "out_of_tea" });
});

/** A memory broker that tells how many subscriptions it has. */
function watched(): { readonly broker: Broker; readonly subscriptions: () => number } {
  const broker = memory();
  const subscribe = broker.subscribe.bind(broker);
  let open = 0;
  broker.subscribe = (listener) => {
    open++;
    const end = subscribe(listener);
    return () => {
      open--;
      end();
    };
  };
  return { broker, subscriptions: () => open };
}

async function getJson(session: Session, path: string, method = "GET"): Promise<[number, unknown]> {
  const { status, text } = await session.request(method, path);
  return [status, JSON.parse(text)];
}

describe("taskRoutes()", () => {
  test("refuses an unknown option, an unknown field, and fields that are no array", () => {
    expect(() => taskRoutes({ field: ["id"] } as never)).toThrow(
      'taskRoutes() knows the options prefix, dependencies, cancel and fields, but got "field".',
    );
    expect(() => taskRoutes({ fields: ["id", "password"] as never })).toThrow(
      "taskRoutes(): there is no field 'password'. There are id, name, status",
    );
    expect(() => taskRoutes({ fields: ["toString"] as never })).toThrow("there is no field");
    expect(() => taskRoutes({ fields: "id" as never })).toThrow("taskRoutes(): fields must be an array");
  });
});

describe.each(hosts)("taskRoutes over $name", (host) => {
  test("show id, name, status, progress and result, and nothing else unless it is named", async () => {
    const app = new App({ background: { onError: () => {} } });
    app.include(taskRoutes());
    app.include(
      taskRoutes({ prefix: "/all", fields: ["id", "args", "error", "stack", "failures", "attempt", "queue", "log"] }),
    );
    const session = await host.open(app);
    await app.open();
    const sum = await add.enqueue(1, 2);
    const failed = await broken.enqueue("hunter2");
    await sum.done;
    await failed.done;
    expect(await getJson(session, `/tasks/${sum.id}`)).toEqual([
      200,
      { id: sum.id, name: "routes.add", status: "succeeded", result: 3 },
    ]);
    expect(await getJson(session, `/tasks/${failed.id}`)).toEqual([
      200,
      { id: failed.id, name: "routes.broken", status: "failed" },
    ]);
    const [, all] = await getJson(session, `/all/${failed.id}`);
    expect(all).toEqual({
      id: failed.id,
      args: ["hunter2"],
      error: { name: "TypeError", message: "no", code: "out_of_tea" },
      stack: expect.stringMatching(/^TypeError: no\n\s+at /),
      failures: [{ attempt: 1, at: expect.any(Number), name: "TypeError", message: "no", code: "out_of_tea" }],
      attempt: 1,
      queue: "default",
      log: [],
    });
    await session.finish();
    await app.close();
  });

  test("answer 404 for an id that nobody has, also with events and DELETE", async () => {
    const app = new App();
    app.include(taskRoutes({ cancel: true }));
    const session = await host.open(app);
    const missing = { detail: "There is no such task, or not any more." };
    expect(await getJson(session, "/tasks/nobody")).toEqual([404, missing]);
    expect(await getJson(session, "/tasks/nobody/events")).toEqual([404, missing]);
    expect(await getJson(session, "/tasks/nobody", "DELETE")).toEqual([404, missing]);
    await session.finish();
    await app.close();
  });

  test("stream what happens: the state at once, each change, and the end", async () => {
    const { broker, subscriptions } = watched();
    const app = new App({ broker });
    app.include(taskRoutes({ fields: ["status", "progress", "result"] }));
    const session = await host.open(app);
    await app.open();
    const gates = [createGate(), createGate()];
    const steps = task("routes.steps", async () => {
      const { progress } = currentTask();
      await gates[0]!.opened;
      progress(0.5, "half");
      await gates[1]!.opened;
      return "done";
    });
    const job = await steps.enqueue();
    await waitUntil(async () => (await job.status()) === "running");
    const answer = await session.begin("GET", `/tasks/${job.id}/events`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    await answer.received('event: status\ndata: {"status":"running"}\n\n');
    gates[0]!.open();
    await answer.received('event: status\ndata: {"status":"running","progress":{"value":0.5,"note":"half"}}\n\n');
    gates[1]!.open();
    const text = await answer.rest();
    const events = text.split("\n\n").filter((part) => part.startsWith("event:") || part.startsWith("id:"));
    expect(events.at(-1)!.split("\n").toSorted()).toEqual([
      'data: {"status":"succeeded","progress":{"value":0.5,"note":"half"},"result":"done"}',
      "event: status",
      "id: end",
    ]);
    expect(events).toHaveLength(3);
    await waitUntil(() => subscriptions() === 0);
    await session.finish();
    await app.close();
  });

  test("stream the end at once when the job has ended, and answer 204 when a browser comes back after it", async () => {
    const app = new App();
    app.include(taskRoutes());
    const session = await host.open(app);
    await app.open();
    const job = await add.enqueue(1, 2);
    await job.done;
    const first = await session.request("GET", `/tasks/${job.id}/events`);
    expect(first.text.match(/^data: /gm)).toHaveLength(1);
    expect(first.text).toContain("id: end");
    const again = await session.request("GET", `/tasks/${job.id}/events`, { headers: { "Last-Event-ID": "end" } });
    expect([again.status, again.text]).toEqual([204, ""]);
    // A job that was queued again is worth another look.
    const other = await session.request("GET", `/tasks/${job.id}/events`, { headers: { "Last-Event-ID": "7" } });
    expect(other.status).toBe(200);
    await session.finish();
    await app.close();
  });

  test("free the subscription when the client hangs up", async () => {
    const { broker, subscriptions } = watched();
    const app = new App({ broker, worker: false });
    app.include(taskRoutes());
    const session = await host.open(app);
    await app.open();
    const job = await add.enqueue(1, 2);
    const answer = await session.begin("GET", `/tasks/${job.id}/events`);
    await answer.received("queued");
    expect(subscriptions()).toBe(1);
    await answer.hangUp();
    await waitUntil(() => subscriptions() === 0);
    expect(await job.status()).toBe("queued");
    await session.finish();
    await app.close();
  });

  test("cancel with DELETE only where that was asked for, and answer 409 after the end", async () => {
    const app = new App({ worker: false });
    app.include(taskRoutes());
    app.include(taskRoutes({ prefix: "/jobs", cancel: true, fields: ["id", "status", "reason"] }));
    const session = await host.open(app);
    await app.open();
    const job = await add.enqueue(1, 2);
    expect((await session.request("DELETE", `/tasks/${job.id}`)).status).toBe(405);
    expect(await job.status()).toBe("queued");
    expect(await getJson(session, `/jobs/${job.id}`, "DELETE")).toEqual([
      200,
      { id: job.id, status: "canceled", reason: "canceled by a client" },
    ]);
    expect(await getJson(session, `/jobs/${job.id}`, "DELETE")).toEqual([
      409,
      { detail: "The task has ended already." },
    ]);
    await session.finish();
    await app.close();
  });

  test("solve dependencies before each of the three", async () => {
    const app = new App({ worker: false });
    const requireKey = dependency({ key: header({ alias: "X-Key" }) }, ({ key }) => {
      if (key !== "secret") throw new HTTPException(401, "Who are you?");
    });
    app.include(taskRoutes({ prefix: "/jobs", dependencies: [requireKey], cancel: true }));
    const session = await host.open(app);
    await app.open();
    const job = await add.enqueue(1, 2);
    const requests = [
      ["GET", `/jobs/${job.id}`],
      ["GET", `/jobs/${job.id}/events`],
      ["DELETE", `/jobs/${job.id}`],
      ["GET", "/jobs/nobody"],
    ] as const;
    for (const [method, path] of requests)
      expect((await session.request(method, path)).status, `${method} ${path}`).toBe(401);
    expect(await job.status()).toBe("queued");
    const headers = { "X-Key": "secret" };
    expect((await session.request("GET", `/jobs/${job.id}`, { headers })).status).toBe(200);
    expect((await session.request("DELETE", `/jobs/${job.id}`, { headers })).status).toBe(200);
    await session.finish();
    await app.close();
  });
});

test("an event stream ends when its server shuts down", async () => {
  const { broker, subscriptions } = watched();
  const app = new App({ broker, worker: false, background: { drainTimeout: 200 } });
  app.include(taskRoutes());
  const server = await startApp(app);
  const job = await add.enqueue(1, 2);
  const client = await RawClient.connect(server.port);
  const exchange = client.send("GET", `/tasks/${job.id}/events`);
  await exchange.received("queued");
  await server.close();
  await client.closed;
  expect(subscriptions()).toBe(0);
});

test("TestClient follows a job to its end through the routes", async () => {
  const app = new App();
  app.include(taskRoutes());
  await using client = new TestClient(app);
  await app.open();
  const job = await add.enqueue(20, 22);
  const response = await client.get(`/tasks/${job.id}/events`);
  expect(await response.text()).toContain('"result":42');
});

test("an open event stream does not hold up the closing of its server", async () => {
  const gate = createGate();
  const wait = task("routes.wait", { attempts: 1 }, () => gate.opened);
  const app = new App({ background: { drainTimeout: "10s" } });
  app.include(taskRoutes());
  const server = await startApp(app);
  const job = await wait.enqueue();
  await waitUntil(async () => (await job.status()) === "running");
  const client = await RawClient.connect(server.port);
  const exchange = client.send("GET", `/tasks/${job.id}/events`);
  await exchange.received('"running"');
  const closing = server.close();
  await exchange.response;
  gate.open();
  const report = await closing;
  expect(report).toMatchObject({ ok: true, connectionsCut: 0, lost: [] });
  expect(report.durationMs).toBeLessThan(5_000);
});
