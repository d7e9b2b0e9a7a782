// 3-semantics.md through Next, built and started: what can be seen over HTTP. Its routes are in fixtures/next.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sqlite } from "afterword";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readBlocks, root } from "../docs/read-blocks.ts";
import { openSocketSession, type Answer, type SendOptions, type Session } from "../support/hosts.ts";
import { startMailServer, stopMailServers, type MailServer } from "../support/mail-server.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { buildNextApp, NextServer } from "./next-app.ts";

keepTidy();

let server: NextServer;
let runs = 0;

beforeAll(async () => {
  await buildNextApp();
  server = await NextServer.start({ AFTERWORD_BROKER: "memory:" });
}, 300_000);

afterAll(() => server?.kill());
afterEach(stopMailServers);

/** The requests of one test, which the routes keep apart from those of others. */
class Run {
  readonly #query = `run=${++runs}`;
  readonly session: Session = openSocketSession({ port: server.port, close: async () => {} });

  path(name: string, more = ""): string {
    return `/cases/${name}?${this.#query}${more}`;
  }

  get(name: string, more?: string, options?: SendOptions): Promise<Answer> {
    return this.session.request("GET", this.path(name, more), options);
  }

  async events(): Promise<string[]> {
    return JSON.parse((await this.get("events")).text) as string[];
  }

  async until(event: string): Promise<void> {
    await waitUntil(async () => (await this.events()).includes(event), { withinMs: 20_000, what: event });
  }
}

describe("background tasks in Next", { timeout: 60_000 }, () => {
  test("1, 2 start after the whole response, one after the other, and hold up no other request", async () => {
    const run = new Run();
    expect(await run.get("order")).toMatchObject({ status: 200, text: "answer" });
    await run.until("a starts");
    expect(await run.events()).toEqual(["handler returns", "a starts"]);
    await run.get("open");
    await run.until("added by a");
    expect(await run.events()).toEqual(["handler returns", "a starts", "a ends", "b starts", "b ends", "added by a"]);
  });

  test("7 of a stream start after its last chunk", async () => {
    const run = new Run();
    const answer = await run.session.begin("GET", run.path("stream"));
    await answer.received("first");
    expect(await run.events()).toEqual([]);
    await run.get("open");
    expect(await answer.rest()).toBe("first last");
    await run.until("added by the stream");
    expect(await run.events()).toEqual(["last chunk", "added by the handler", "added by the stream"]);
  });

  test("7 first added by the stream start after its last chunk", async () => {
    const run = new Run();
    expect((await run.get("first-by-stream")).text).toBe("first last");
    await run.until("task");
    expect(await run.events()).toEqual(["last chunk", "task"]);
  });

  test.each([204, 404, 500])("11 with status %d run", async (status) => {
    const run = new Run();
    expect((await run.get("status", `&status=${status}`)).status).toBe(status);
    await run.until("ran");
  });

  test("12, 34 of a handler that throws are dropped, and jobs not stored, unless `when` says otherwise", async () => {
    const run = new Run();
    expect((await run.get("throw")).status).toBe(500);
    await run.until("error");
    expect((await run.events()).toSorted()).toEqual(["always", "always stored", "error", "error stored"]);
  });

  test("a redirect is no failure", async () => {
    const run = new Run();
    const answer = await run.get("redirect");
    expect([answer.status, answer.headers.get("location")]).toEqual([307, "/elsewhere"]);
    await run.until("ran");
    expect(await run.events()).toEqual(["stored", "ran"]);
  });

  test("15 run after the client has hung up before its answer", async () => {
    const run = new Run();
    const client = await run.session.impatient();
    client.send("GET", run.path("gone"));
    await run.until("handler");
    await client.hangUp();
    await run.until("the client has gone");
    await run.get("open");
    await run.until("ran, client gone: true");
    expect(await run.events()).toEqual(["handler", "the client has gone", "handler returns", "ran, client gone: true"]);
  });

  test("15 run when a stream breaks on the client's side", async () => {
    const run = new Run();
    const answer = await run.session.begin("GET", run.path("gone-stream"));
    await answer.received("first");
    await answer.hangUp();
    await run.get("open");
    await run.until("ran, client gone: true");
  });

  test("15 are dropped when the producer of a stream throws", async () => {
    const run = new Run();
    const answer = await run.session.begin("GET", run.path("broken-stream"));
    await expect(answer.rest()).rejects.toThrow();
    await run.until("error");
    expect(await run.events()).toEqual(["error"]);
  });

  test("17 that fail stop nothing, and are told of", async () => {
    const run = new Run();
    expect((await run.get("failing")).text).toBe("fine");
    await run.until("the next one");
    expect(server.output).toContain("no mail today");
  });

  test("26 see the AsyncLocalStorage of their handler, and of no other request", async () => {
    const run = new Run();
    await run.get("context", "", { headers: { "x-name": "one" } });
    await run.until("one");
    await run.get("context", "", { headers: { "x-name": "two" } });
    await run.until("two");
    expect(await run.events()).toEqual(["one", "two"]);
  });

  test("27 beyond maxPending are refused with 503 and Retry-After", async () => {
    const { session } = new Run();
    expect((await session.request("GET", "/limited")).status).toBe(200);
    const refused = await session.request("GET", "/limited");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    await session.request("DELETE", "/limited");
    await waitUntil(async () => (await session.request("GET", "/limited")).status === 200, { withinMs: 20_000 });
  });

  test("31 jobs run in a worker of this process by default", async () => {
    const run = new Run();
    expect((await run.get("job")).status).toBe(202);
    await run.until("noted it");
  });

  test("32 a response whose jobs are not stored is a 503 with Retry-After", async () => {
    const { session } = new Run();
    expect((await session.request("POST", "/limited")).status).toBe(202);
    const refused = await session.request("POST", "/limited");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(JSON.parse(refused.text).detail).toContain("Try again later");
  });

  test("a response that nobody holds back takes no job", async () => {
    const { session } = new Run();
    expect((await session.request("PUT", "/limited")).text).toBe("response_not_held");
  });

  test("3 resolve solves a dependency once for the request, with its one list and the matched path", async () => {
    const run = new Run();
    expect(JSON.parse((await run.get("resolve", "&page=7")).text)).toEqual({ name: "resolve", page: "7" });
    expect(await run.events()).toEqual(["same: true"]);
  });

  test("28 are waited for when the server shuts down", async () => {
    const other = await NextServer.start({ AFTERWORD_BROKER: "memory:" });
    try {
      expect((await fetch(`${other.url}/cases/drain?run=1`)).status).toBe(200);
      await other.stop();
      expect(other.output).toContain("drained");
    } finally {
      await other.kill();
    }
  });
});

test("the page of Next shows the example", () => {
  const folder = join(root, "examples/frameworks/next");
  const shown = new Map(
    readBlocks("docs/guide/frameworks/next.md").map(({ fileName, code }) => [fileName, code.replace(/^\/\/ .*\n/, "")]),
  );
  const sources = globSync("**/*.{ts,tsx}", { cwd: folder, exclude: ["next-env.d.ts"] });
  expect(sources.length).toBeGreaterThan(5);
  for (const source of sources) expect(shown.get(source)).toBe(readFileSync(join(folder, source), "utf8"));
});

describe("the example for Next", { timeout: 180_000 }, () => {
  const invite = ({ url }: NextServer, email: string): Promise<Response> =>
    fetch(`${url}/invitations`, { method: "POST", body: JSON.stringify({ email }) });

  const start = (file: string, { port }: Pick<MailServer, "port">): Promise<NextServer> =>
    NextServer.start({ AFTERWORD_BROKER: `sqlite:${file}`, SMTP_URL: `smtp://127.0.0.1:${port}` });

  test("33 jobs are on disk when the answer is here, and outlive the process", async () => {
    const file = join(await createTempDirectory(), "tasks.db");
    // Nobody listens there.
    const first = await start(file, { port: 1 });
    const answer = await invite(first, "ada@example.com");
    const body: unknown = await answer.json();
    await first.kill();
    expect([answer.status, body]).toMatchObject([202, { message: "The invitation is on its way" }]);
    const broker = sqlite(file);
    await broker.open();
    const counts = await broker.counts();
    await broker.close();
    expect(counts.map(({ queue }) => queue)).toEqual(["default"]);
    const mail = await startMailServer();
    const second = await start(file, mail);
    try {
      await waitUntil(() => mail.received.length > 0, { withinMs: 90_000, what: "the mail arrives" });
      expect(mail.received).toEqual(["ada@example.com"]);
    } finally {
      await second.kill();
    }
  });

  test("its action stores the job before the redirect, and its page adds a function", async () => {
    const mail = await startMailServer();
    const started = await start(join(await createTempDirectory(), "tasks.db"), mail);
    try {
      const page = await (await fetch(started.url)).text();
      const action = /name="(\$ACTION_ID_[^"]+)"/.exec(page)![1]!;
      const form = new FormData();
      form.set(action, "");
      form.set("email", "grace@example.com");
      const answer = await fetch(started.url, { method: "POST", body: form, redirect: "manual" });
      expect([answer.status, answer.headers.get("location")]).toEqual([303, "/?sent"]);
      await waitUntil(() => mail.received.length > 0, { withinMs: 30_000, what: "the mail arrives" });
      expect(mail.received).toEqual(["grace@example.com"]);
      await waitUntil(() => started.output.includes("the page was shown"), { withinMs: 10_000 });
    } finally {
      await started.kill();
    }
  });
});
