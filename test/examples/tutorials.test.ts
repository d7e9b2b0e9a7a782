// 3-semantics.md, "Tutorial pages (exact)": cases 9 and 10, with the files that readers run.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

const post = { method: "POST" };

test("9 tutorial001 answers and writes exactly its log", async () => {
  const example = await runExample("tutorial001");
  const answer = await example.fetch("/send-notification/foo@example.com", post);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json\b/);
  expect(await answer.text()).toBe('{"message":"Notification sent in the background"}');
  expect(await example.stop()).toBe(0);
  expect(await readdir(example.directory)).toEqual(["log.txt"]);
  expect(await readFile(join(example.directory, "log.txt"), "utf8")).toBe(
    "notification for foo@example.com: some notification",
  );
});

test.each([
  ["?q=some-query", "found query: some-query\nmessage to foo@example.com\n"],
  ["", "message to foo@example.com\n"],
])("10 tutorial002 with the query %j writes exactly its log", async (search, log) => {
  const example = await runExample("tutorial002");
  const answer = await example.fetch(`/send-notification/foo@example.com${search}`, post);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json\b/);
  expect(await answer.text()).toBe('{"message":"Message sent"}');
  expect(await example.stop()).toBe(0);
  expect(await readdir(example.directory)).toEqual(["log.txt"]);
  expect(await readFile(join(example.directory, "log.txt"), "utf8")).toBe(log);
});

test("tutorial002 refuses what is no address, and writes nothing", async () => {
  const example = await runExample("tutorial002");
  const answer = await example.fetch("/send-notification/foo?q=some-query", post);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ detail: [{ loc: ["path", "email"], input: "foo" }] });
  expect(await example.stop()).toBe(0);
  expect(await readdir(example.directory)).toEqual([]);
});
