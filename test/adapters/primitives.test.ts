// What other ways of working after a response lose: each sentence of the table in docs/guide/frameworks/README.md.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { afterEach, describe, expect, test } from "vitest";
import type { Server } from "node:http";
import { endChildren, startChild } from "../support/child-app.ts";
import { createGate, openAllGates } from "../support/gate.ts";
import { closeRawClients, RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { turns } from "../support/wait-until.ts";

const servers = new Set<Server>();

afterEach(async () => {
  openAllGates();
  closeRawClients();
  await endChildren();
  for (const server of servers) await new Promise<unknown>((resolve) => server.close(resolve));
  servers.clear();
});

async function listen(server: Server): Promise<number> {
  servers.add(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const program = new URL("fixtures/primitives.ts", import.meta.url);

describe("void promise", () => {
  test("an error ends the process", async () => {
    const child = startChild(program, { args: ["void", "throws"] });
    expect((await child.exit(20_000)).code).toBe(1);
    expect(child.stderr).toContain("no mail today");
  });

  test("SIGTERM ends the process in the middle of the work", async () => {
    const child = startChild(program, { args: ["void", "waits"] });
    await child.line(/^work started$/m, 20_000);
    child.signal("SIGTERM");
    expect(await child.exit(20_000)).toMatchObject({ signal: "SIGTERM" });
    expect(child.lines).not.toContain("work ended");
  });

  test("server.close() does not wait for it", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const server = createServer((_request, response) => {
      void gate.opened.then(() => recorder.add("work ended"));
      response.end("answer");
    });
    const port = await listen(server);
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    server.close(() => recorder.add("closed"));
    server.closeAllConnections();
    await recorder.when("closed");
    expect(recorder.events).toEqual(["closed"]);
  });

  test("starts before the response, and holds it up if it computes", async () => {
    const recorder = new Recorder();
    const work = async (): Promise<void> => recorder.add("work");
    const port = await listen(
      createServer((_request, response) => {
        void work();
        recorder.add("answered");
        response.end("answer");
      }),
    );
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    expect(recorder.events).toEqual(["work", "answered"]);
  });
});

describe('res.on("finish")', () => {
  test("never comes when the client has gone before the answer", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const port = await listen(
      createServer(async (_request, response) => {
        response.on("finish", () => recorder.add("finish"));
        response.on("close", () => recorder.add("close"));
        recorder.add("handler");
        await gate.opened;
        response.end("too late");
      }),
    );
    const client = await RawClient.connect(port);
    client.send("GET", "/");
    await recorder.when("handler");
    client.hangUp();
    await recorder.when("close");
    gate.open();
    await turns();
    expect(recorder.events).toEqual(["handler", "close"]);
  });

  test.each(["sync", "async"])("an error of a listener ends the process (%s)", async (how) => {
    const child = startChild(program, { args: ["finish", how] });
    expect((await child.exit(20_000)).code).toBe(1);
    expect(child.stderr).toContain("no mail today");
  });
});

describe("Fastify's onResponse", () => {
  test("close() does not wait for it", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = Fastify({ forceCloseConnections: true });
    app.addHook("onResponse", async () => {
      recorder.add("hook started");
      await gate.opened;
      recorder.add("hook ended");
    });
    app.get("/", async () => "answer");
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    await (await fetch(url)).text();
    await recorder.when("hook started");
    await app.close();
    expect(recorder.events).toEqual(["hook started"]);
  });

  test("comes for every route, and knows of none what it should do", async () => {
    const recorder = new Recorder();
    const app = Fastify({ forceCloseConnections: true });
    app.addHook("onResponse", async (request, reply) => recorder.add(`${request.url} ${reply.statusCode}`));
    app.get("/good", async () => "answer");
    app.get("/bad", async () => {
      throw new Error("broken");
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    await (await fetch(`${url}/good`)).text();
    await (await fetch(`${url}/bad`)).text();
    await recorder.when("/bad 500");
    expect(recorder.events).toEqual(["/good 200", "/bad 500"]);
    await app.close();
  });
});

describe("waitUntil", () => {
  test("is not there on Node", async () => {
    const app = new Hono();
    app.get("/", (c) => {
      try {
        c.executionCtx.waitUntil(Promise.resolve());
        return c.text("there");
      } catch (error) {
        return c.text((error as Error).message);
      }
    });
    const port = await listen(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("This context has no ExecutionContext");
  });
});

describe("Koa's middleware after next()", () => {
  test("holds up the response", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new Koa();
    app.use(async (_context, next) => {
      await next();
      recorder.add("after next");
      await gate.opened;
    });
    app.use((context) => {
      context.body = "answer";
    });
    const port = await listen(createServer(app.callback()));
    const answer = fetch(`http://127.0.0.1:${port}`).then((response) => {
      recorder.add("answered");
      return response.text();
    });
    await recorder.when("after next");
    await turns();
    expect(recorder.events).toEqual(["after next"]);
    gate.open();
    expect(await answer).toBe("answer");
  });
});
