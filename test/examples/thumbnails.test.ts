import { expect, test } from "vitest";
import { createTempDirectory } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { endExamples, runExample, type RunningExample } from "./run-example.ts";

endExamples();

interface Shown {
  readonly status: string;
  readonly attempt?: number;
  readonly progress?: { readonly value: number };
  readonly result?: readonly string[];
}

async function post(example: RunningExample, photo: string): Promise<string> {
  const response = await fetch(`${example.url}/thumbnails/${photo}`, { method: "POST" });
  expect(response.status).toBe(202);
  return response.headers.get("location")!;
}

async function show(example: RunningExample, location: string): Promise<Shown> {
  const response = await fetch(example.url + location);
  expect(response.status).toBe(200);
  return (await response.json()) as Shown;
}

test("a task that was answered with 202 goes on after kill -9 and a restart", { timeout: 60_000 }, async () => {
  const directory = await createTempDirectory();
  const first = await runExample("thumbnails", {}, directory);
  expect(await (await fetch(first.url)).text()).toContain("<title>Afterword: a task to watch</title>");
  const location = await post(first, "cat.jpg");
  await waitUntil(async () => ((await show(first, location)).progress?.value ?? 0) > 0);
  await first.kill();
  const second = await runExample("thumbnails", {}, directory);
  await waitUntil(async () => (await show(second, location)).status === "succeeded", { withinMs: 30_000 });
  expect((await show(second, location)).result).toHaveLength(5);
  expect(await second.stop()).toBe(0);
});

test("a task that is canceled stops", { timeout: 30_000 }, async () => {
  const example = await runExample("thumbnails");
  const location = await post(example, "dog.jpg");
  await waitUntil(async () => (await show(example, location)).status === "running");
  expect((await fetch(example.url + location, { method: "DELETE" })).status).toBe(200);
  await waitUntil(async () => (await show(example, location)).status === "canceled");
  expect(await example.stop()).toBe(0);
});
