import { App, basic, constantTimeEqual, dependency, HTTPException, memory, task, type Broker } from "afterword";
import { dashboard, type DashboardOptions } from "afterword/dashboard";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DashboardInfo, JobDetail, JobsPage } from "../../src/dashboard/dashboard-types.ts";
import { isLoopback } from "../../src/dashboard/peer.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { onSqlite, openStage } from "./setup.ts";

keepTidy();

const secretive = task("secretive", { attempts: 1 }, async (_card: { number: string; name: string }) => ({
  token: "result-secret",
}));

const local = { incoming: { url: "/", socket: { remoteAddress: "127.0.0.1" } } };

/** What a dashboard answers to one request. */
async function ask(
  options: DashboardOptions,
  path: string,
  init: RequestInit & { readonly env?: object } = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const app = dashboard({ broker: memory(), ...options });
  onTestFinished(async () => void (await app.close()));
  const { env = local, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (!headers.has("host")) headers.set("host", "localhost:8000");
  const response = await app.fetch(new Request(`http://localhost:8000${path}`, { ...rest, headers }), env);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe("a dashboard without auth", () => {
  test("answers this machine, by a loopback address and for a local name", async () => {
    expect((await ask({}, "/api/info")).status).toBe(200);
    for (const host of ["localhost", "127.0.0.1:8000", "[::1]:8000", "app.localhost:3000"])
      expect((await ask({}, "/api/info", { headers: { host } })).status, `host: ${host}`).toBe(200);
  });

  test.each([
    ["from elsewhere", { env: { incoming: { socket: { remoteAddress: "192.168.1.7" } } } }, "comes from 192.168.1.7"],
    ["from nobody knows where", { env: {} }, "nobody can tell"],
    ["through a proxy", { headers: { "x-forwarded-for": "10.0.0.1" } }, "x-forwarded-for"],
    ["through another proxy", { headers: { forwarded: "for=10.0.0.1" } }, "forwarded"],
    ["for a name that somebody made up", { headers: { host: "rebound.example.com:8000" } }, "rebound.example.com"],
    ["for a name that begins like a local one", { headers: { host: "localhost.example.com" } }, "no local name"],
  ])("refuses what comes %s, and says how to mend it", async (_, init, reason) => {
    for (const path of ["/", "/api/info", "/assets/dashboard.js"]) {
      const { status, headers, text } = await ask({}, path, init);
      expect(status).toBe(403);
      expect(text).toContain(reason);
      expect(text).toContain("dashboard({ auth })");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });

  test("refuses what comes from elsewhere also where it is mounted", async () => {
    const app = new App({ broker: memory() });
    app.mount("/ops", dashboard());
    onTestFinished(async () => void (await app.close()));
    const env = { incoming: { url: "/ops/", socket: { remoteAddress: "10.1.2.3" } } };
    const response = await app.fetch(new Request("http://localhost/ops/api/info"), env);
    expect(response.status).toBe(403);
    await response.body?.cancel();
  });

  test.each([
    ["127.0.0.1", true],
    ["127.8.8.8", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["::ffff:10.0.0.1", false],
    ["10.0.0.1", false],
    ["127.0.0.1.example.com", false],
    ["0.0.0.0", false],
  ])("knows whether %s is loopback: %s", (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });
});

describe("auth", () => {
  const elsewhere = { incoming: { url: "/", socket: { remoteAddress: "192.168.1.7" } } };

  test("is a function of the request: true lets in, false is 403, anything else is an error", async () => {
    const auth = (request: Request): boolean => request.headers.get("x-key") === "k";
    expect((await ask({ auth }, "/api/info", { env: elsewhere })).status).toBe(403);
    expect((await ask({ auth }, "/api/info", { env: elsewhere, headers: { "x-key": "k" } })).status).toBe(200);
    const silent = console.error;
    console.error = () => {};
    try {
      const broken = (() => "yes") as never;
      expect((await ask({ auth: broken }, "/api/info", { env: elsewhere })).status).toBe(500);
    } finally {
      console.error = silent;
    }
  });

  test("is a dependency, which may ask for a password", async () => {
    const auth = dependency({ credentials: basic() }, ({ credentials: { password } }) => {
      if (!constantTimeEqual(password, "lovelace")) throw new HTTPException(403, "Wrong password");
    });
    const login = (password: string): RequestInit => ({
      headers: { authorization: `Basic ${Buffer.from(`ada:${password}`).toString("base64")}` },
    });
    const asked = await ask({ auth }, "/", { env: elsewhere });
    expect([asked.status, asked.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Basic")]);
    expect((await ask({ auth }, "/api/jobs", { ...login("x"), env: elsewhere })).status).toBe(403);
    expect((await ask({ auth }, "/api/jobs", { ...login("lovelace"), env: elsewhere })).status).toBe(200);
  });

  test("stands before every route", async () => {
    const auth = (): boolean => false;
    const gets = ["/", "/assets/dashboard.js", "info", "queues", "history", "workers", "background", "events"];
    const paths = [...gets, "jobs", "jobs/x", "dead", "schedules"].map((path) =>
      path.startsWith("/") ? path : `/api/${path}`,
    );
    for (const path of paths) expect((await ask({ auth }, path)).status, `path: ${path}`).toBe(403);
    const posts = ["jobs/count", "jobs/retry", "jobs/cancel", "jobs/remove", "queues/a/pause", "queues/a/resume"];
    const headers = { "x-afterword-dashboard": "1", "content-type": "application/json" };
    for (const path of [...posts, "schedules/a/run", "schedules/a/pause", "schedules/a/resume"])
      expect(
        (await ask({ auth }, `/api/${path}`, { method: "POST", headers, body: "{}" })).status,
        `path: ${path}`,
      ).toBe(403);
  });
});

describe("changes", () => {
  const retry = (headers: Record<string, string>): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ ids: [] }),
  });

  test.each([
    ["without the header of the page", {}, 403],
    ["with it", { "x-afterword-dashboard": "1" }, 200],
    ["by a page of the same origin", { "x-afterword-dashboard": "1", "sec-fetch-site": "same-origin" }, 200],
    ["by a page of another site", { "x-afterword-dashboard": "1", "sec-fetch-site": "cross-site" }, 403],
    ["by a page of the same site", { "x-afterword-dashboard": "1", "sec-fetch-site": "same-site" }, 403],
    ["by a page of its own origin", { "x-afterword-dashboard": "1", origin: "http://localhost:8000" }, 200],
    ["by a page of another origin", { "x-afterword-dashboard": "1", origin: "http://localhost:9000" }, 403],
    ["by a page without an origin", { "x-afterword-dashboard": "1", origin: "null" }, 403],
  ])("that are asked for %s", async (_, headers, status) => {
    expect((await ask({}, "/api/jobs/retry", retry(headers))).status).toBe(status);
  });

  test("are refused, all of them, where it is read-only", async () => {
    const headers = { "x-afterword-dashboard": "1", "sec-fetch-site": "same-origin" };
    for (const path of ["jobs/retry", "jobs/cancel", "jobs/remove", "queues/a/pause", "schedules/a/run"]) {
      const { status, text } = await ask({ readOnly: true }, `/api/${path}`, retry(headers));
      expect([status, text]).toEqual([403, expect.stringContaining("read-only")]);
    }
    const { text } = await ask({ readOnly: true }, "/api/info");
    expect((JSON.parse(text) as DashboardInfo).isReadOnly).toBe(true);
  });

  test("are not made by reading: no other method than POST does anything", async () => {
    const headers = { "x-afterword-dashboard": "1" };
    for (const method of ["GET", "PUT", "PATCH", "DELETE"])
      expect((await ask({}, "/api/queues/a/pause", { method, headers })).status, `method: ${method}`).toBe(405);
  });
});

test("every answer forbids foreign scripts, frames, guessing of types and keeping", async () => {
  for (const path of ["/", "/api/info", "/api/jobs", "/assets/dashboard.js", "/assets/../package.json", "/nothing"]) {
    const { headers } = await ask({}, path);
    expect(headers.get("content-security-policy"), `path: ${path}`).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options"), `path: ${path}`).toBe("nosniff");
    expect(headers.get("x-frame-options"), `path: ${path}`).toBe("DENY");
    expect(headers.get("referrer-policy"), `path: ${path}`).toBe("no-referrer");
    expect(headers.get("cache-control"), `path: ${path}`).toMatch(/^no-(?:store|cache)$/);
  }
});

test("only the files of the page are served", async () => {
  for (const name of [
    "LICENSES.txt",
    "..%2fredoc%2fredoc.standalone.js",
    "index.html",
    "%2e%2e%2f%2e%2e%2fpackage.json",
  ])
    expect((await ask({}, `/assets/${name}`)).status, `name: ${name}`).toBe(404);
});

describe("mask", () => {
  const mask: DashboardOptions["mask"] = (value, { field, task }) => {
    expect(task).toBe("secretive");
    if (field === "result") return "hidden";
    return (value as { number: string; name: string }[]).map(({ name }) => ({ name, number: "…" }));
  };

  test("decides what is shown of arguments and results, in lists too, and what a search finds", async () => {
    await using stage = await openStage(onSqlite, { mask });
    const { id } = await secretive.enqueue({ number: "4111-1111", name: "Ada" });
    await stage.reached("succeeded", id);
    const { body: job } = await stage.get<JobDetail>(`jobs/${id}`);
    expect([job.args, job.result]).toEqual([[{ name: "Ada", number: "…" }], "hidden"]);
    const found = async (text: string): Promise<string[]> =>
      (await stage.get<JobsPage>(`jobs?q=${text}`)).body.jobs.map(({ args }) => args);
    expect(await found("Ada")).toEqual(['[{"name":"Ada","number":"…"}]']);
    expect(await found("4111")).toEqual([]);
    expect((await stage.post("jobs/count", { filter: { q: "4111" } })).body).toMatchObject({ count: 0 });
    expect((await stage.post("jobs/remove", { filter: { q: "4111" } })).body).toMatchObject({ changed: 0 });
  });

  test("that throws shows nothing", async () => {
    const told: unknown[] = [];
    const error = console.error;
    console.error = (...args) => void told.push(args);
    try {
      const broken = (): never => {
        throw new Error("broken mask");
      };
      await using stage = await openStage(onSqlite, { mask: broken });
      const { id } = await secretive.enqueue({ number: "4111-1111", name: "Ada" });
      await stage.reached("succeeded", id);
      const { body } = await stage.get<JobDetail>(`jobs/${id}`);
      expect([body.args, body.result]).toEqual(["hidden: the mask threw", "hidden: the mask threw"]);
      expect(JSON.stringify((await stage.get("jobs")).body)).not.toContain("4111");
      expect(told.length).toBeGreaterThan(0);
    } finally {
      console.error = error;
    }
  });
});

describe("where it is mounted", () => {
  test("its address leads to the folder that the page is, behind any prefix", async () => {
    await using stage = await openStage(onSqlite);
    const bare = stage.url.slice(0, -1);
    const response = await fetch(bare, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([307, "./dashboard/"]);
    expect((await fetch(bare)).url).toBe(stage.url);
  });

  test("it shows the jobs of the app that mounts it, and closes with it", async () => {
    const app = new App({ broker: memory() });
    app.mount("/dashboard", dashboard());
    const server = await app.listen({ port: 0, signals: false });
    const stream = await fetch(`${server.url}/dashboard/api/events`);
    const reader = stream.body!.getReader();
    await reader.read();
    const startedMs = performance.now();
    await server.close();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await waitUntil(async () => (await reader.read()).done);
  });

  test("alone and without a broker it says what it lacks", async () => {
    const before = process.env.AFTERWORD_BROKER;
    delete process.env.AFTERWORD_BROKER;
    try {
      await expect(dashboard().open()).rejects.toThrow(/dashboard\({ broker: sqlite\("tasks.db"\) }\)/);
    } finally {
      if (before !== undefined) process.env.AFTERWORD_BROKER = before;
    }
  });

  test("wrong options are refused when it is made", () => {
    expect(() => dashboard({ readonly: true } as never)).toThrow('but got "readonly"');
    expect(() => dashboard({ readOnly: "no" } as never)).toThrow("readOnly must be true or false");
    expect(() => dashboard({ auth: "secret" } as never)).toThrow("auth must be a dependency or a function");
    expect(() => dashboard({ mask: "***" } as never)).toThrow("mask must be a function");
    expect(() => dashboard({ broker: {} as Broker })).toThrow("dashboard(): broker must be a broker");
    expect(() => dashboard(null as never)).toThrow("dashboard() expects options");
  });
});
