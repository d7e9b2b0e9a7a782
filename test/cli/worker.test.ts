import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, sqlite } from "afterword";
import { describe, expect, test } from "vitest";
import { runCli, startCli } from "../support/cli.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { greet, hold, importFile } from "./fixtures/tasks.ts";

keepTidy();

const readyMs = 30_000;
const ready = /^Worker ready: .*$/m;

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** A file of jobs, a client that stores them, and a way to start workers on it. */
async function setUp() {
  const folder = await createTempDirectory();
  const client = new Client({ broker: sqlite(join(folder, "tasks.db")) });
  return {
    client,
    start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}, app = fixture("app.ts")) {
      return startCli(["worker", app, ...args], {
        cwd: folder,
        env: { AFTERWORD_BROKER: "sqlite:tasks.db", ...env },
      });
    },
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}

describe("afterword worker", () => {
  test("says what it serves, runs the jobs, and ends with 0 on SIGTERM when the running one has ended", async () => {
    await using at = await setUp();
    const first = await greet.enqueue("Ada");
    const held = await hold.enqueue("a");
    const worker = at.start();
    expect(await worker.line(ready, readyMs)).toBe(
      "Worker ready: up to 10 jobs at a time of queues default, imports, on sqlite. Ctrl+C stops it.",
    );
    expect(worker.lines[0]).toBe("lifespan starts");
    await worker.line(/a runs/);
    expect(await first.result({ timeout: "10s" })).toBe("Hello, Ada");
    worker.signal("SIGTERM");
    const last = await greet.enqueue("nobody");
    worker.tell("a");
    expect(await worker.exit()).toMatchObject({ code: 0, signal: null });
    expect(worker.lines.slice(-2)).toEqual(["a ends", "lifespan ends"]);
    expect(worker.complaints).toEqual([]);
    expect(await held.status()).toBe("succeeded");
    expect(worker.stdout.includes("Hello, nobody")).toBe((await last.status()) === "succeeded");
    expect(await at.client.broker.workers()).toEqual([]);
  }, 60_000);

  test("gives back what does not end within drainTimeout, and another worker has it at once", async () => {
    await using at = await setUp();
    const held = await hold.enqueue("b");
    const first = at.start([], { DRAIN_TIMEOUT: "50" });
    await first.line(/b runs, attempt 1/, readyMs);
    const second = at.start();
    await second.line(ready, readyMs);
    first.signal("SIGTERM");
    await second.line(/b runs, attempt 1/, 15_000);
    await first.exit();
    expect(first.lines.filter((line) => line.startsWith("b is aborted"))).toHaveLength(1);
    expect(await held.info()).toMatchObject({ status: "running", attempt: 1, failures: [] });
    second.tell("b");
    expect(await held.done).toMatchObject({ status: "succeeded" });
    second.signal("SIGINT");
    expect((await second.exit()).code).toBe(0);
  }, 90_000);

  test("ends at once with 1 on a second signal", async () => {
    await using at = await setUp();
    const held = await hold.enqueue("c");
    const worker = at.start();
    await worker.line(/c runs/, readyMs);
    worker.signal("SIGINT");
    await worker.line(/SIGINT has come/);
    expect(worker.hasExited).toBe(false);
    worker.signal("SIGINT");
    expect((await worker.exit()).code).toBe(1);
    expect(worker.lines).not.toContain("c ends");
    expect(await held.status()).toBe("running");
  }, 60_000);

  test("serves only the queues that it was told, as many jobs at a time as it was told", async () => {
    await using at = await setUp();
    const names = ["d1", "d2", "d3"];
    for (const name of names) await hold.with({ queue: "slow" }).enqueue(name);
    const other = await greet.enqueue("Ada");
    const worker = at.start(["--queues", "slow,imports", "--concurrency", "2"]);
    expect(await worker.line(ready, readyMs)).toContain("up to 2 jobs at a time of queues slow, imports, on sqlite");
    await worker.line(/d2 runs/);
    worker.tell("d1");
    await worker.line(/d3 runs/);
    expect(worker.lines.indexOf("d1 ends")).toBeLessThan(worker.lines.indexOf("d3 runs, attempt 1"));
    expect(await other.status()).toBe("queued");
    worker.tell("d2");
    worker.tell("d3");
    worker.signal("SIGTERM");
    expect((await worker.exit()).code).toBe(0);
    expect(await other.status()).toBe("queued");
  }, 60_000);

  test("tells on stderr of each attempt that failed, and goes on", async () => {
    await using at = await setUp();
    const broken = await importFile.enqueue("a.csv");
    const worker = at.start([], {}, fixture("named-export.ts"));
    expect((await broken.done).status).toBe("failed");
    await waitUntil(() => worker.stderr.includes(`afterword tasks show ${broken.id}`));
    expect(worker.stderr).toContain("import-file");
    expect(worker.stderr).toContain("a.csv is broken");
    expect(worker.stderr).toContain("line 7 is too long");
    const next = await greet.enqueue("Ada");
    expect(await next.result({ timeout: "10s" })).toBe("Hello, Ada");
    worker.signal("SIGTERM");
    expect((await worker.exit()).code).toBe(0);
  }, 60_000);
});

describe("afterword worker refuses with 1 and a sentence", () => {
  test.each<[string, string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      "an app on memory",
      "memory-app.ts",
      {},
      ["keeps its jobs in memory, where no other process can get them", "AFTERWORD_BROKER=sqlite:tasks.db"],
    ],
    ["an app without a broker", "app.ts", {}, ["keeps its jobs in memory"]],
    ["a file that is not there", "missing.ts", {}, ["There is no file ", "missing.ts. Give the file that exports"]],
    ["a file without an app", "no-app.ts", {}, ["must export an App: write export default app", "It exports server."]],
    ["a file that exports something else", "not-an-app.ts", {}, ["is no App of this installation of afterword"]],
    [
      "a file that throws, with its stack",
      "throws.ts",
      {},
      ["the configuration is missing", "throws.ts:1:7", "could not be loaded: see above."],
    ],
    ["a wrong broker of the environment", "app.ts", { AFTERWORD_BROKER: "tasks.db" }, ["AFTERWORD_BROKER must name"]],
    [
      "a folder that does not exist",
      "app.ts",
      { AFTERWORD_BROKER: "sqlite:/no/such/folder/tasks.db" },
      ["/no/such/folder"],
    ],
  ])(
    "%s",
    async (_, app, env, messages) => {
      const result = await runCli(["worker", fixture(app)], {
        cwd: await createTempDirectory(),
        env,
        withinMs: readyMs,
      });
      for (const message of messages) expect(result.stderr).toContain(message);
      expect(result).toMatchObject({ code: 1, stdout: "" });
    },
    60_000,
  );
});
