import { App, BackgroundTasks, HTTPException, path, ValidationError, query } from "afterword";
import { TestClient } from "afterword/testing";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import { bodyLimit } from "hono/body-limit";
import { setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { csrf } from "hono/csrf";
import { HTTPException as HonoException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import { requestId } from "hono/request-id";
import { timeout } from "hono/timeout";
import type { MiddlewareHandler } from "hono";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";

function appWith(...middleware: readonly MiddlewareHandler[]): { readonly app: App; readonly ran: string[] } {
  const ran: string[] = [];
  const app = new App();
  for (const each of middleware) app.use(each);
  app.on(["GET", "POST"], "/", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => ran.push("task"));
    return { ok: true };
  });
  return { app, ran };
}

describe("middleware of Hono that refuses a request", () => {
  test.each([
    ["basicAuth", basicAuth({ username: "a", password: "b" }), 401, "Unauthorized"],
    ["bearerAuth", bearerAuth({ token: "abc" }), 401, "Unauthorized"],
    ["jwt", jwt({ secret: "x", alg: "HS256" }), 401, "Unauthorized"],
    ["csrf", csrf({ origin: "https://x.example" }), 403, "Forbidden"],
    ["bodyLimit", bodyLimit({ maxSize: 1 }), 413, "Payload Too Large"],
    [
      "its own exception",
      () => {
        throw new HonoException(402, { message: "Pay first" });
      },
      402,
      '{"detail":"Pay first"}',
    ],
    [
      "its own exception without words",
      () => {
        throw new HonoException(409);
      },
      409,
      '{"detail":"Conflict"}',
    ],
  ] as const)("is answered as it says: %s", async (_, middleware, status, text) => {
    const printed = vi.spyOn(console, "error");
    const { app, ran } = appWith(middleware as MiddlewareHandler);
    await using client = new TestClient(app);
    const response = await client.post("/", { form: { a: "0123456789" } });
    expect([response.status, await response.text()]).toEqual([status, text]);
    if (status === 401) expect(response.headers.has("www-authenticate")).toBe(true);
    expect(printed).not.toHaveBeenCalled();
    expect(ran).toEqual([]);
    printed.mockRestore();
  });

  test("that takes too long is answered by it, and the tasks of the request are dropped", async () => {
    const app = new App();
    app.use(timeout(20));
    app.get("/", { tasks: BackgroundTasks }, async () => new Promise(() => {}));
    await using client = new TestClient(app);
    expect((await client.get("/")).status).toBe(504);
  });
});

describe("headers that middleware sets before there is a response", () => {
  test("are on it, beside those that it has itself", async () => {
    const { app, ran } = appWith(requestId(), async (context, next) => {
      context.header("x-before", "yes");
      context.header("content-type", "text/weird");
      setCookie(context, "a", "1");
      setCookie(context, "b", "2");
      await next();
      context.header("x-after", "yes");
    });
    await using client = new TestClient(app);
    const { headers } = await client.get("/");
    expect(headers.get("x-request-id")).toMatch(/./);
    expect(headers.get("x-before")).toBe("yes");
    expect(headers.get("x-after")).toBe("yes");
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
    expect(ran).toEqual(["task"]);
  });

  test("are on it where others read or replace it, and on refusals", async () => {
    const { app, ran } = appWith(cors({ origin: "https://x.example" }), requestId(), async (context, next) => {
      await next();
      context.res = new Response(context.res.body, { status: 299, headers: context.res.headers });
    });
    app.get("/:n", { n: path(z.int()) }, () => 1);
    await using client = new TestClient(app);
    for (const [at, status] of [
      ["/", 299],
      ["/x", 299],
      ["/1/2", 299],
    ] as const) {
      const { status: actual, headers } = await client.get(at, { headers: { origin: "https://x.example" } });
      expect([actual, headers.has("x-request-id"), headers.get("access-control-allow-origin")]).toEqual([
        status,
        true,
        "https://x.example",
      ]);
    }
    expect(ran).toEqual(["task"]);
  });
});

test("an app of Hono is mounted as it is", async () => {
  const hono = new Hono<{ Bindings: { readonly KEY: string } }>();
  hono.get("/hello", (context) => context.text("from Hono"));
  const app = new App();
  app.mount("/hono", hono).mount("/function", hono.fetch);
  await using client = new TestClient(app);
  expect(await client.get("/hono/hello").then((response) => response.text())).toBe("from Hono");
  expect(await client.get("/function/hello").then((response) => response.text())).toBe("from Hono");
});

test("a path parameter in braces is refused, with how it is written", () => {
  expect(() => new App().get("/items/{id}", () => 1)).toThrow('as in "/items/:id", and not in braces');
  expect(() => new App().get("/files/{name:path}", () => 1)).toThrow('as in "/files/:name"');
  expect(() => new App().websocket("/ws/{id}", {}, () => 1)).toThrow('as in "/ws/:id"');
  new App().get("/items/:id{[0-9]+}", { id: path() }, ({ id }) => id);
});

test("a handler of Error gets what nobody expected, not the framework's own refusals", async () => {
  const app = new App();
  app.onError(Error, (error) => ({ caught: error.message }));
  app.get("/fails", () => {
    throw new TypeError("oops");
  });
  app.get("/refuses", () => {
    throw new HTTPException(418, "no");
  });
  app.get("/invalid", { n: query(z.int()) }, ({ n }) => n);
  await using client = new TestClient(app);
  expect(await client.get("/fails").then((response) => response.json())).toEqual({ caught: "oops" });
  expect((await client.get("/refuses")).status).toBe(418);
  expect((await client.get("/invalid?n=x")).status).toBe(422);
  app.onError(ValidationError, () => ({ mine: true }));
  expect(await client.get("/invalid?n=x").then((response) => response.json())).toEqual({ mine: true });
});
