import { join } from "node:path";
import { Client, remoteTask, sqlite, type JobInfo } from "afterword";
import { expect, test } from "vitest";
import { startChild } from "../support/child-app.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const slow = { timeout: 60_000 };
const withinMs = 50_000;
const computing = new URL("./fixtures/threads/computing.ts", import.meta.url);
const compute = remoteTask<[name: string], string>("k.compute");

async function untilComputing(client: Client, id: string): Promise<void> {
  let info: JobInfo | undefined;
  await waitUntil(async () => (info = await client.job(id).info())?.progress !== undefined, { withinMs });
  expect(info).toMatchObject({ status: "running", progress: { note: "computes a" } });
}

test("a job whose process is killed while a thread computes is run by another", slow, async () => {
  const cwd = await createTempDirectory();
  await using client = new Client({ broker: sqlite(join(cwd, "tasks.db")) });
  await client.open();
  const first = startChild(computing, { cwd, env: { AFTERWORD_TEST_MS: "600000" } });
  await first.line(/started/, withinMs);
  const handle = await compute.enqueue("a");
  await untilComputing(client, handle.id);
  first.signal("SIGKILL");
  await first.exit(withinMs);
  const second = startChild(computing, { cwd, env: { AFTERWORD_TEST_MS: "10" } });
  expect(await handle.result({ timeout: "50s" })).toMatch(/^a by \d+$/);
  expect(await handle.info()).toMatchObject({ attempt: 1 });
  second.signal("SIGTERM");
  expect(await second.exit(withinMs)).toMatchObject({ code: 0 });
});

test("a worker that is told to end while a thread computes ends in time, and gives the job back", slow, async () => {
  const cwd = await createTempDirectory();
  await using client = new Client({ broker: sqlite(join(cwd, "tasks.db")) });
  await client.open();
  const worker = startChild(computing, { cwd, env: { AFTERWORD_TEST_MS: "600000" } });
  const handle = await compute.enqueue("a");
  await untilComputing(client, handle.id);
  worker.signal("SIGTERM");
  expect(await worker.exit(withinMs)).toMatchObject({ code: 0 });
  expect(worker.lines.at(-1)).toBe("closed");
  expect(await handle.status()).toBe("queued");
});

test(
  "piscina is loaded when a served task asks for threads, and its absence is an error with the way to install it",
  slow,
  async () => {
    const child = startChild(new URL("./fixtures/threads/without-piscina.ts", import.meta.url));
    expect(await child.exit(withinMs)).toMatchObject({ code: 0 });
    expect(child.lines).toEqual([
      "without: started, 0 asked",
      "with: missing_package: The option thread of tasks needs the package piscina 5. Install it: npm install piscina@5",
      "another queue: started",
    ]);
  },
);
