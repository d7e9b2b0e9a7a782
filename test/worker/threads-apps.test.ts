import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { App, BackgroundTasks, dependency, memory } from "afterword";
import { TestClient } from "afterword/testing";
import { afterEach, expect, test, vi } from "vitest";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import * as tasks from "./fixtures/threads/tasks.ts";
import { app, useFile, useNothing } from "./fixtures/threads/with-lifespan.ts";

keepTidy();

const slow = { timeout: 60_000 };
const timeout = "50s";

afterEach(() => vi.unstubAllEnvs());

test("a lifespan runs once in a thread whose task has dependencies, and ends with the thread", slow, async () => {
  const file = join(await createTempDirectory(), "lifespan.txt");
  vi.stubEnv("AFTERWORD_TEST_FILE", file);
  const lines = async (): Promise<string[]> => (await readFile(file, "utf8")).trim().split("\n");
  await app.open({ threads: { max: 1 } });
  expect(await (await useNothing.enqueue()).result({ timeout })).toBe("none");
  expect(await lines()).toEqual(["main opens"]);
  for (let time = 0; time < 2; time++) expect(await (await useFile.enqueue()).result({ timeout })).toBe("thread");
  expect(await lines()).toEqual(["main opens", "thread opens"]);
  expect(await app.close()).toMatchObject({ ok: true });
  expect(await lines()).toEqual(["main opens", "thread opens", "thread closes", "main closes"]);
});

test(
  "while app.overrides replaces something, tasks with dependencies run in the event loop, where that counts",
  slow,
  async () => {
    const other = new App({ broker: memory(), worker: { threads: { max: 1 } } });
    await other.open();
    try {
      const { connection } = tasks;
      other.overrides.set(
        connection,
        dependency(() => ({ isMainThread: true, isClosed: true }) as never),
      );
      expect(await (await tasks.query.enqueue("SELECT 1")).result({ timeout })).toEqual({
        sql: "SELECT 1",
        isMain: true,
      });
      expect((await (await tasks.where.enqueue()).result({ timeout })).isMainThread).toBe(false);
      other.overrides.clear();
      expect(await (await tasks.query.enqueue("SELECT 2")).result({ timeout })).toEqual({
        sql: "SELECT 2",
        isMain: false,
      });
    } finally {
      await other.close();
    }
  },
);

test("a test client waits for jobs in threads as for others", slow, async () => {
  const tested = new App({ broker: memory(), worker: { threads: { max: 1 } } });
  tested.post("/", { tasks: BackgroundTasks }, ({ tasks: list }) => {
    list.addTask(tasks.give, { a: [1] });
    return null;
  });
  await using client = new TestClient(tested);
  expect((await client.post("/")).status).toBe(200);
  expect(client.tasks).toMatchObject([{ name: "t.give", outcome: { status: "succeeded", value: { a: [1] } } }]);
});
