import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { removeTempDirectories } from "../../../test/support/temp-directory.ts";
import { Core } from "./core.ts";
import { executeBatch } from "./execute-batch.ts";
import { sqlite } from "./index.ts";
import { toInsert } from "./job-insert.ts";
import { createJob, createJobs } from "./new-job.fixture.ts";
import { openDatabase } from "./open-database.ts";
import { toSqliteConfig } from "./options.ts";
import { toFailure } from "./sqlite-error.ts";
import { connect, newFile, openStore } from "./sqlite.fixture.ts";

afterAll(removeTempDirectories);

const program = fileURLToPath(new URL("sqlite-process.fixture.ts", import.meta.url));

describe("sqlite()", () => {
  it.each([
    [":memory:", {}, "Use memory()"],
    ["", {}, "expects the path"],
    [7, {}, "expects the path"],
    ["file://elsewhere/tasks.db", {}, "expects a path or a URL"],
    ["tasks.db", { sync: "full" }, 'no option "sync"'],
    ["tasks.db", null, "expects an object of options"],
    ["tasks.db", { synchronous: "off" }, 'must be "full" or "normal"'],
    ["tasks.db", { maxQueued: -1 }, "must be an integer"],
    ["tasks.db", { thread: "yes" }, "must be true or false"],
    ["tasks.db", { busyTimeout: "soon" }, "busyTimeout"],
  ])("refuses %s with %o", (file, options, message) => {
    expect(() => sqlite(file as string, options as object)).toThrow(
      expect.objectContaining({ code: "invalid_declaration", message: expect.stringContaining(message) }),
    );
  });
});

async function openError(file: string, thread = false): Promise<{ code: string; message: string }> {
  const broker = sqlite(file, { thread });
  return broker.open().then(
    () => expect.fail("It was opened."),
    (error: unknown) => error as { code: string; message: string },
  );
}

async function expectOpenError(file: string, message: string): Promise<void> {
  for (const thread of [false, true]) {
    const error = await openError(file, thread);
    expect(error).toMatchObject({ code: "broker_open_failed", message: expect.stringContaining(message) });
  }
}

describe("opening", () => {
  it("says which folder is missing", async () => {
    const file = join(dirname(await newFile()), "not", "there", "tasks.db");
    await expectOpenError(file, `mkdir -p ${dirname(file)}`);
  });

  it("refuses a folder, and what is no database", async () => {
    const file = await newFile();
    await mkdir(file);
    await expectOpenError(file, "cannot be opened");
    const text = await newFile();
    await writeFile(text, "Dear diary, ".repeat(1_000));
    await expectOpenError(text, "is no SQLite database");
    expect(await readFile(text, "utf8")).toBe("Dear diary, ".repeat(1_000));
  });

  it("makes its tables in the database of an application, beside those that are there", async () => {
    const file = await newFile();
    connect(file).exec(
      "PRAGMA application_id = 77; PRAGMA user_version = 5; CREATE TABLE jobs (text TEXT); INSERT INTO jobs VALUES ('mine')",
    );
    const store = await openStore(file);
    await store.enqueue({ jobs: [createJob()] });
    expect((await store.counts())[0]).toMatchObject({ queued: 1 });
    await store.close();
    await (await openStore(file)).close();
    const database = connect(file);
    expect(database.prepare("SELECT text FROM jobs").all()).toEqual([{ text: "mine" }]);
    expect(database.prepare("PRAGMA application_id").get()).toEqual({ application_id: 77 });
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 5 });
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'afterword_%'").all();
    expect(names.map(({ name }) => name).filter((name) => !String(name).startsWith("sqlite_"))).toEqual(["jobs"]);
  });

  it("refuses the file of a newer version", async () => {
    const file = await newFile();
    await (await openStore(file)).close();
    connect(file).exec("UPDATE afterword_schema SET version = 99");
    await expectOpenError(file, "newer version");
  });

  it("works for two processes that make the file at the same moment", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 3; round++) {
      const file = await newFile();
      const answers = await Promise.all(Array.from({ length: 4 }, () => run("open", file)));
      expect(answers).toEqual(["ok", "ok", "ok", "ok"]);
      expect((await (await openStore(file)).counts())[0]?.queued).toBe(4);
    }
  });

  it.skipIf(process.getuid?.() !== 0)("says what may not be written to", async () => {
    const file = await newFile();
    await (await openStore(file)).close();
    await chmod(dirname(file), 0o555);
    await chmod(file, 0o444);
    expect(await run("open", file, 65_534)).toMatch(
      /^(broker_open_failed|not_stored): .*cannot be (written to|opened)/,
    );
  });
});

/** What a process says of it; as another user if asked to. */
async function run(what: string, file: string, uid?: number): Promise<string> {
  const child = spawn(process.execPath, [program, what, file], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
    ...(uid !== undefined && { uid }),
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  return text.trim();
}

describe("a process that is killed", () => {
  it("has stored every job that it was told is stored", async () => {
    const file = await newFile();
    const child = spawn(process.execPath, [program, "enqueue", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.length > 20_000) child.kill("SIGKILL");
    });
    await once(child, "close");
    const ids = text.split("\n").slice(0, -1);
    expect(ids.length).toBeGreaterThan(400);
    const jobs = await (await openStore(file)).get({ ids });
    expect(jobs.filter((job) => job?.status !== "queued")).toEqual([]);
  });
});

describe("trouble that passes", () => {
  it("is a lock that another program holds for too long", async () => {
    const file = await newFile();
    const store = await openStore(file, { busyTimeout: "50ms" });
    const other = connect(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(store.enqueue({ jobs: [createJob()] })).rejects.toMatchObject({
      code: "not_stored",
      message: expect.stringContaining("locked by another program"),
    });
    expect(await store.counts()).toEqual([]);
    other.exec("ROLLBACK");
    await store.enqueue({ jobs: [createJob()] });
  });

  it("is a full disk: nothing is half stored, and with room it goes on", async () => {
    const file = await newFile();
    const config = toSqliteConfig(file, {});
    const core = new Core(openDatabase(DatabaseSync, config), undefined);
    const connection = core.db.connection as DatabaseSync;
    connection.exec("PRAGMA max_page_count = 60");
    const store = (count: number): unknown =>
      executeBatch(core, [{ verb: "enqueue", request: createJobs(count).map(toInsert) }], file).results[0];
    expect(store(10)).toMatchObject({ value: "as given" });
    expect(store(5_000)).toMatchObject({ failure: { code: "not_stored", message: expect.stringContaining("full") } });
    expect(connection.prepare("SELECT count(*) AS count FROM afterword_jobs").get()).toEqual({ count: 10 });
    connection.exec("PRAGMA max_page_count = 100000");
    expect(store(5_000)).toMatchObject({ value: "as given" });
    expect(connection.prepare("SELECT sum(count) AS count FROM afterword_tallies").get()).toEqual({ count: 5_010 });
    connection.close();
  });

  it.each([true, false])("is a file that was removed while it was in use (thread: %s)", async (thread) => {
    const file = await newFile();
    const store = await openStore(file, { thread });
    await store.enqueue({ jobs: [createJob()] });
    for (const each of [file, `${file}-wal`, `${file}-shm`]) await rm(each);
    await expect(store.enqueue({ jobs: [createJob()] })).rejects.toMatchObject({
      code: "not_stored",
      message: expect.stringContaining("was removed or replaced"),
    });
    const job = createJob();
    await store.enqueue({ jobs: [job] });
    expect(connect(file).prepare("SELECT id FROM afterword_jobs").all()).toEqual([{ id: job.id }]);
  });
});

describe("a damaged file", () => {
  it("is told of, and how to save what is left", async () => {
    const file = await newFile();
    const store = await openStore(file);
    await store.enqueue({ jobs: createJobs(2_000) });
    await store.close();
    const bytes = await readFile(file);
    bytes.fill(0xa5, 4_096);
    await writeFile(file, bytes);
    const error = await openStore(file)
      .then((damaged) => damaged.enqueue({ jobs: [createJob()] }))
      .then(
        () => expect.fail("It was stored."),
        (thrown: unknown) => thrown,
      );
    expect(error).toMatchObject({ message: expect.stringContaining(".recover") });
  });
});

describe("a commit", () => {
  it("that fails for a reason which leaves its effect open may have been done", () => {
    const failed = (errcode: number): object => Object.assign(new Error("disk I/O error"), { errcode });
    expect(toFailure(failed(10), "f", true).code).toBe("maybe_stored");
    expect(toFailure(failed(10), "f", false).code).toBe("not_stored");
    expect(toFailure(failed(13), "f", true).code).toBe("not_stored");
  });
});
