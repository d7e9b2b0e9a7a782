// 3-semantics.md, "Tutorial pages (exact)": cases 9 and 10.
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { App, BackgroundTasks, dependency, path, query } from "afterword";
import * as z from "zod";
import { beforeEach, describe, expect, test } from "vitest";
import { hosts } from "../support/hosts.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

let log = "";

beforeEach(async () => {
  log = join(await createTempDirectory(), "log.txt");
});

function tutorial001(): App {
  const app = new App();

  async function writeNotification(email: string, message = "") {
    await writeFile(log, `notification for ${email}: ${message}`);
  }

  app.post("/send-notification/:email", { email: path(), tasks: BackgroundTasks }, ({ email, tasks }) => {
    tasks.addTask(writeNotification, email, "some notification");
    return { message: "Notification sent in the background" };
  });
  return app;
}

function tutorial002(): App {
  const app = new App();

  const writeLog = (message: string) => appendFile(log, message);

  const getQuery = dependency({ q: query(z.string().optional()), tasks: BackgroundTasks }, ({ q, tasks }) => {
    if (q) tasks.addTask(writeLog, `found query: ${q}\n`);
    return q;
  });

  app.post(
    "/send-notification/:email",
    { email: path(z.email()), q: getQuery, tasks: BackgroundTasks },
    ({ email, tasks }) => {
      tasks.addTask(writeLog, `message to ${email}\n`);
      return { message: "Message sent" };
    },
  );
  return app;
}

describe.each(hosts)("over $name", (host) => {
  test("9 answers tutorial 001 and writes exactly its log", async () => {
    const session = await host.open(tutorial001());
    const answer = await session.request("POST", "/send-notification/foo@example.com");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json\b/);
    expect(answer.text).toBe('{"message":"Notification sent in the background"}');
    await session.finish();
    expect(await readFile(log, "utf8")).toBe("notification for foo@example.com: some notification");
  });

  test("10 answers tutorial 002 and writes the line of the query before that of the message", async () => {
    const session = await host.open(tutorial002());
    const answer = await session.request("POST", "/send-notification/foo@example.com?q=some-query");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json\b/);
    expect(answer.text).toBe('{"message":"Message sent"}');
    await session.finish();
    expect(await readFile(log, "utf8")).toBe("found query: some-query\nmessage to foo@example.com\n");
  });

  test.each(["", "?q="])("10 writes only the line of the message for the query %j", async (search) => {
    const session = await host.open(tutorial002());
    const answer = await session.request("POST", `/send-notification/foo@example.com${search}`);
    expect([answer.status, answer.text]).toEqual([200, '{"message":"Message sent"}']);
    await session.finish();
    expect(await readFile(log, "utf8")).toBe("message to foo@example.com\n");
  });

  test("10 keeps the lines of several requests whole and in pairs", async () => {
    const session = await host.open(tutorial002());
    for (const name of ["a", "b", "c"])
      await session.request("POST", `/send-notification/${name}@example.com?q=${name}`);
    await session.finish();
    const lines = (await readFile(log, "utf8")).split("\n").slice(0, -1);
    expect(lines.toSorted()).toEqual(
      ["a", "b", "c"].flatMap((name) => [`found query: ${name}`, `message to ${name}@example.com`]).toSorted(),
    );
    for (const name of ["a", "b", "c"])
      expect(lines.indexOf(`found query: ${name}`)).toBeLessThan(lines.indexOf(`message to ${name}@example.com`));
  });
});

test("10 OpenAPI shows the path's email as required, the query q as not, and no trace of BackgroundTasks", () => {
  const app = tutorial002();
  const document = JSON.parse(JSON.stringify(app.openapi())) as {
    paths: Record<string, { post: { parameters: { name: string; in: string; required?: boolean }[] } }>;
  };
  const { parameters } = document.paths["/send-notification/{email}"]!.post;
  expect(parameters.map(({ name, in: place, required = false }) => [place, name, required])).toEqual([
    ["path", "email", true],
    ["query", "q", false],
  ]);
  expect(JSON.stringify(document)).not.toMatch(/BackgroundTasks|"tasks"/);
});
