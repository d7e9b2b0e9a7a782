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

test("its dashboard shows the task, with its arguments", { timeout: 60_000 }, async () => {
  const example = await runExample("thumbnails");
  const id = (await post(example, "lion.jpg")).split("/").at(-1)!;
  const page = await fetch(`${example.url}/dashboard`);
  expect([page.status, page.url, await page.text()]).toEqual([
    200,
    `${example.url}/dashboard/`,
    expect.stringContaining("<title>Afterword dashboard</title>"),
  ]);
  const job = await (await fetch(`${example.url}/dashboard/api/jobs/${id}`)).json();
  expect(job).toMatchObject({ id, task: "make-thumbnails", args: ["lion.jpg"] });
  expect(await example.stop()).toBe(0);
});

test("on RabbitMQ alone it does not start, and says that nobody could be asked of a task", async () => {
  const env = { AFTERWORD_BROKER: "amqp://guest:guest@127.0.0.1:5672", AFTERWORD_RESULTS: "" };
  await expect(runExample("thumbnails", env)).rejects.toThrow(
    'taskRoutes() (/tasks/:id) needs the ability "results", which the broker rabbitmq does not have. Let another broker keep the state of its jobs',
  );
});
