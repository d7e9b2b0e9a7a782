import {
  App,
  bearer,
  body,
  dependency,
  file,
  form,
  HTTPException,
  query,
  Reply,
  Router,
  WebSocketConnection,
} from "afterword";
import { TestClient, WebSocketRefusedError } from "afterword/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Refused, socketHosts, type SocketRequest } from "../support/sockets.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

const handler = (): void => {};

describe.each(socketHosts)("a WebSocket over $name is refused", (host) => {
  const refusal = async (app: App, path: string, request?: SocketRequest): Promise<Refused> => {
    try {
      await host.open(app, path, request);
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
    throw new Error("It was opened.");
  };

  test("with the problems of its parameters", async () => {
    const app = new App();
    app.websocket("/", { n: query(z.int()) }, handler);
    const { status, body: text } = await refusal(app, "/?n=x");
    expect(status).toBe(422);
    expect(JSON.parse(text).detail[0]).toMatchObject({ loc: ["query", "n"], input: "x" });
  });

  test("without credentials, by a dependency, by middleware, and where there is none", async () => {
    const app = new App();
    const clean: string[] = [];
    const open = dependency(function* () {
      try {
        yield 1;
      } finally {
        clean.push("closed");
      }
    });
    app.use("/guarded/*", async () => Response.json({ detail: "guard" }, { status: 403 }));
    app.use("/after/*", async (context, next) => {
      await next();
      context.res = Response.json({ detail: "too late" }, { status: 409 });
    });
    app.websocket("/secret", { token: bearer() }, handler);
    app.websocket(
      "/teapot",
      {
        open,
        no: dependency(() => {
          throw new HTTPException(418, "no");
        }),
      },
      handler,
    );
    app.websocket("/guarded/x", {}, handler);
    app.websocket("/after/x", { open }, handler);
    const secret = await refusal(app, "/secret");
    expect([secret.status, secret.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect((await refusal(app, "/teapot")).body).toBe('{"detail":"no"}');
    expect(clean).toEqual(["closed"]);
    expect((await refusal(app, "/guarded/x")).body).toBe('{"detail":"guard"}');
    expect((await refusal(app, "/after/x")).status).toBe(409);
    expect(clean).toEqual(["closed", "closed"]);
    expect((await refusal(app, "/nowhere")).status).toBe(404);
  });

  test("from pages of other origins, where origins are given", async () => {
    const app = new App();
    app.websocket("/", { origins: ["https://app.example.com"] }, { socket: WebSocketConnection }, handler);
    expect(await refusal(app, "/", { headers: { origin: "https://evil.example.com" } })).toMatchObject({
      status: 403,
      body: '{"detail":"Pages of https://evil.example.com may not connect."}',
    });
    expect((await refusal(app, "/", { headers: { origin: "null" } })).status).toBe(403);
    await host.open(app, "/", { headers: { origin: "https://app.example.com" } });
    await host.open(app, "/");
  });
});

describe("a request to a WebSocket's path that asks for none", () => {
  test("is answered with 426, or by the GET route of the same path", async () => {
    const app = new App();
    app.websocket("/alone", {}, handler);
    app.websocket("/both", { socket: WebSocketConnection }, ({ socket }) => socket.sendJson("socket"));
    app.get("/both", () => "page");
    await using client = new TestClient(app);
    const alone = await client.get("/alone");
    expect([alone.status, alone.headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect(await client.get("/both").then((response) => response.json())).toBe("page");
    await using socket = await client.websocket("/both");
    expect(await socket.receive()).toBe('"socket"');
    expect((await client.post("/alone")).status).toBe(405);
  });

  test("is answered with 501 on a host that cannot open it", async () => {
    const app = new App();
    app.websocket("/", {}, handler);
    const response = await app.fetch(new Request("http://x/", { headers: { upgrade: "websocket" } }));
    expect(response.status).toBe(501);
    await app.close();
  });
});

describe("a handshake that is malformed", () => {
  const handshake = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  test.each([
    [{ "sec-websocket-key": "short" }, 400],
    [{ "sec-websocket-key": undefined }, 400],
    [{ "sec-websocket-version": "7" }, 426],
    [{ host: "a b" }, 400],
  ])("is refused: %o", async (change, status) => {
    const app = new App();
    app.websocket("/", {}, handler);
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const headers = Object.fromEntries(
      Object.entries({ ...handshake, ...change }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    expect((await client.send("GET", "/", { headers }).response).status).toBe(status);
  });

  test("or asks for another protocol is answered as if it asked for none", async () => {
    const app = new App();
    app.websocket("/", {}, handler);
    app.get("/page", () => "page").post("/page", () => "posted");
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const h2c = { connection: "Upgrade", upgrade: "h2c" };
    expect(await client.send("GET", "/page", { headers: h2c }).response).toMatchObject({ status: 200, text: '"page"' });
    const other = await RawClient.connect(server.port);
    expect((await other.send("POST", "/page", { headers: h2c, body: "hi" }).response).status).toBe(400);
  });
});

describe("a WebSocket route that cannot work is refused when it is defined", () => {
  test.each([
    [
      (app: App) => app.websocket("/", { b: body() }, handler),
      /WEBSOCKET \/: body "b" cannot be declared for a WebSocket/,
    ],
    [(app: App) => app.websocket("/", { f: form() }, handler), /form "f" cannot be declared/],
    [(app: App) => app.websocket("/", { f: file() }, handler), /file "f" cannot be declared/],
    [(app: App) => app.websocket("/", { reply: Reply }, handler), /Reply cannot be declared/],
    [(app: App) => app.get("/", { s: WebSocketConnection }, handler), /can only be declared under app\.websocket/],
    [(app: App) => app.websocket("/", handler as never, undefined as never), /defined by \(path, params, handler\)/],
    [(app: App) => app.websocket("x", {}, handler), /must be a string that starts with "\/"/],
    [(app: App) => app.websocket("/", { tags: [] } as never, {}, handler), /has no option "tags"/],
    [(app: App) => app.websocket("/", { protocols: ["a b"] }, {}, handler), /protocols must be a list of words/],
    [(app: App) => app.websocket("/", { origins: ["example.com"] }, {}, handler), /origins must be a list such as/],
    [(app: App) => app.websocket("/", { heartbeat: "soon" as never }, {}, handler), /heartbeat/],
    [(app: App) => app.websocket("/", { maxMessageBytes: 0 }, {}, handler), /maxMessageBytes must be a number/],
    [(app: App) => app.websocket("/", {}, handler).websocket("/", {}, handler), /is defined already/],
    [(app: App) => app.on("WEBSOCKET", "/", handler), /A WebSocket is no method/],
  ])("%s", (define, message) => {
    expect(() => define(new App())).toThrow(message);
  });

  test("and has the prefix and the dependencies of its routers", async () => {
    const app = new App();
    const router = new Router({ prefix: "/ws", dependencies: [dependency({ token: bearer() }, () => {})] });
    router.websocket("/:id", { socket: WebSocketConnection }, handler);
    app.include(router);
    await using client = new TestClient(app);
    await expect(client.websocket("/ws/1")).rejects.toThrow(WebSocketRefusedError);
    await using socket = await client.websocket("/ws/1", { headers: { authorization: "Bearer x" } });
    expect((await socket.closed).code).toBe(1000);
  });
});
