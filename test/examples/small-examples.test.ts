import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../support/wait-until.ts";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

const post = { method: "POST" };

test("background-task: the response carries its one task", async () => {
  const example = await runExample("background-task");
  const answer = await example.fetch("/users?email=foo@example.com", post);
  expect([answer.status, await answer.json()]).toEqual([201, { created: "foo@example.com" }]);
  await waitUntil(() => example.lines.length > 0);
  expect(example.lines).toEqual(["Welcome, foo@example.com"]);
  expect(await example.stop()).toBe(0);
});

describe("dependencies", () => {
  test("commits before the answer, and keeps the connection open for the task", async () => {
    const example = await runExample("dependencies");
    const answer = await example.fetch("/orders?item=tea&count=2", post);
    // The head is here: whoever looks now finds the order.
    using db = new DatabaseSync(join(example.directory, "orders.db"), { readOnly: true });
    expect(db.prepare("SELECT item, count FROM orders").all()).toEqual([{ item: "tea", count: 2 }]);
    expect([answer.status, await answer.json()]).toEqual([201, { id: 1 }]);
    await waitUntil(() => example.lines.length === 3);
    expect(example.lines).toEqual(["committed", "receipt for 2 × tea", "connection closed"]);
    expect(await example.stop()).toBe(0);
  });

  test("rolls back what throws, and drops its task", async () => {
    const example = await runExample("dependencies");
    const answer = await example.fetch("/orders?item=tea&count=0", post);
    expect([answer.status, await answer.json()]).toEqual([409, { detail: "There is nothing to deliver" }]);
    await waitUntil(() => example.lines.length === 2);
    expect(example.lines).toEqual(["rolled back", "connection closed"]);
    using db = new DatabaseSync(join(example.directory, "orders.db"), { readOnly: true });
    expect(db.prepare("SELECT count(*) AS count FROM orders").get()).toEqual({ count: 0 });
    expect(await example.stop()).toBe(0);
  });
});

describe("validation-libraries", () => {
  test.each(["zod", "valibot", "arktype"])("converts, fills in and refuses with %s", async (library) => {
    const example = await runExample("validation-libraries");
    const answers = await Promise.all(
      ["", "?limit=5", "?limit=500", "?limit=many"].map((search) => example.fetch(`/${library}${search}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 422, 422]);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toMatchObject([
      { limit: 10, next: 11 },
      { limit: 5, next: 6 },
      { detail: [{ loc: ["query", "limit"], input: "500" }] },
      { detail: [{ loc: ["query", "limit"], input: "many" }] },
    ]);
    expect(await example.stop()).toBe(0);
  });
});

const examples = join(import.meta.dirname, "../../examples");

test.each(readdirSync(examples).filter((name) => name.endsWith(".ts")))(
  "%s says what it shows and how to try it, and takes its port from PORT",
  (name) => {
    const text = readFileSync(join(examples, name), "utf8");
    const header = `${text.split("\nimport ", 1)[0]}\n`;
    expect(header).toMatch(/^\/\/ [A-Z]/);
    expect(header).toContain(`node --conditions=afterword-source examples/${name}\n`);
    // One that is a script, and ends by itself, tells all.
    if (!text.includes("new App(") || text.includes("await using server = await app.listen(")) return;
    expect(header).toMatch(/^\/\/ {3}curl /m);
    expect(text).toContain("export default app;\n\nif (import.meta.main) {\n");
    expect(text).toContain("Number(process.env.PORT ?? 8000)");
  },
);
