import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { createGate, openAllGates } from "../support/gate.ts";
import { jobsAtRest } from "../support/jobs-at-rest.ts";
import { startMailServer, stopMailServers } from "../support/mail-server.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { endExamples, runExample, type RunningExample } from "./run-example.ts";

endExamples();

afterEach(async () => {
  openAllGates();
  await stopMailServers();
});

const to = "foo@example.com";

async function signUp(example: RunningExample): Promise<Response> {
  return example.fetch(`/users?email=${to}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: to }),
  });
}

const examples = ["express/after", "fastify/app", "hono/app", "koa/app", "node/app"];

describe.each(examples)("frameworks/%s", (name) => {
  test("keeps a mail while the mail server is away, although the process is killed", { timeout: 60_000 }, async () => {
    const port = await freePort();
    const env = { SMTP_URL: `smtp://127.0.0.1:${port}` };
    const directory = await createTempDirectory();
    const first = await runExample(`frameworks/${name}`, env, directory);
    const answer = await signUp(first);
    expect([answer.status, await answer.json()]).toEqual([202, { message: "A mail is on its way" }]);
    await waitUntil(() => first.stderr.includes("ECONNREFUSED"), { withinMs: 20_000, what: "the first attempt fails" });
    await jobsAtRest(join(directory, "tasks.db"));
    await first.kill();

    const accepting = createGate();
    accepting.open();
    const { accepted } = await startMailServer(accepting, port);
    // No request comes to the second: it goes on by itself.
    await runExample(`frameworks/${name}`, env, directory);
    await waitUntil(() => accepted.length > 0, { withinMs: 40_000, what: "the mail is taken" });
    expect(accepted[0]!.to).toEqual([to]);
  });
});

describe("frameworks/express", () => {
  test("after.ts has three lines more than before.ts", () => {
    const [before, after] = ["before", "after"].map((name) => codeOf(`express/${name}`)) as [string[], string[]];
    expect(after.length - before.length).toBe(3);
    expect(after.filter((line) => !before.includes(line))).toEqual([
      'import { sqlite, task } from "afterword";',
      'import { backgroundTasks } from "afterword/express";',
      'const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {',
      'app.use(await backgroundTasks({ broker: sqlite("tasks.db") }).open());',
      "  req.tasks.addTask(sendWelcome, req.body.email);",
    ]);
  });

  test(
    "before.ts loses a mail while the mail server is away, after.ts sends it later",
    { timeout: 60_000 },
    async () => {
      const port = await freePort();
      const env = { SMTP_URL: `smtp://127.0.0.1:${port}` };
      const [before, after] = [
        await runExample("frameworks/express/before", env),
        await runExample("frameworks/express/after", env),
      ];
      expect((await signUp(before)).status).toBe(202);
      await waitUntil(() => before.stderr.includes("ECONNREFUSED"), { withinMs: 20_000 });
      expect((await signUp(after)).status).toBe(202);
      await waitUntil(() => after.stderr.includes("ECONNREFUSED"), { withinMs: 20_000 });
      const accepting = createGate();
      accepting.open();
      const { accepted } = await startMailServer(accepting, port);
      await waitUntil(() => accepted.length > 0, { withinMs: 40_000, what: "the mail is taken" });
      expect(accepted).toHaveLength(1);
    },
  );
});

test.each(["express/before", "express/after", "fastify/app", "hono/app", "koa/app", "node/app", "fetch/app"])(
  "frameworks/%s says what it shows and how to try it",
  (name) => {
    const [header = ""] = textOf(name).split("\nimport ");
    expect(header).toMatch(/^\/\/ [A-Z]/);
    expect(header).toContain(`examples/frameworks/${name}.ts\n`);
    expect(header).toMatch(/^\/\/ {3}curl /m);
  },
);

function textOf(name: string): string {
  return readFileSync(join(import.meta.dirname, `../../examples/frameworks/${name}.ts`), "utf8");
}

function codeOf(name: string): string[] {
  return textOf(name)
    .split("\n")
    .filter((line) => !line.startsWith("//"));
}

test.each([
  ["express", "express/after"],
  ["express", "express/before"],
  ["fastify", "fastify/app"],
  ["hono", "hono/app"],
  ["koa", "koa/app"],
  ["node", "node/app"],
  ["fetch", "fetch/app"],
])("the page for %s shows frameworks/%s as it is", (page, name) => {
  const text = readFileSync(join(import.meta.dirname, `../../docs/guide/frameworks/${page}.md`), "utf8");
  expect(text).toContain(codeOf(name).join("\n").trim());
});
