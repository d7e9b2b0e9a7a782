import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Client,
  currentTask,
  exponential,
  sqlite,
  task,
  Worker,
  type Job,
  type JobHandle,
  type JobInfo,
} from "afterword";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, type CliResult } from "../support/cli.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const mail = task("mail", async (to: string) => `sent to ${to}`);
const broken = task(
  "broken",
  { attempts: 2, backoff: exponential({ base: "1ms" }), queue: "imports" },
  async (file: string) => {
    throw new TypeError(`${file} is broken`);
  },
);

interface Place {
  readonly folder: string;
  readonly client: Client;
  run(...args: string[]): Promise<CliResult>;
  jsonLines(...args: string[]): Promise<JobInfo[]>;
}

/** A folder with a broker's file, and the commands about it. */
async function createPlace(): Promise<Place> {
  const folder = await createTempDirectory();
  const client = new Client({ broker: sqlite(join(folder, "tasks.db")) });
  await client.open();
  const run = (...args: string[]): Promise<CliResult> =>
    runCli(["tasks", ...args], { cwd: folder, env: { AFTERWORD_BROKER: "sqlite:tasks.db" }, withinMs: 30_000 });
  return {
    folder,
    client,
    run,
    async jsonLines(...args) {
      const { stdout } = await run(...args, "--json");
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as JobInfo);
    },
  };
}

async function runAll(client: Client, handles: readonly JobHandle[]): Promise<void> {
  await using worker = new Worker({ broker: client.broker, queues: ["default", "imports"], onError: () => {} });
  await worker.start();
  for (const handle of handles) await handle.done;
}

describe("afterword tasks, of jobs that nobody changes,", () => {
  let place: Place;
  let done: JobHandle;
  let failed: JobHandle;
  let queued: JobHandle;
  let later: JobHandle;

  beforeAll(async () => {
    place = await createPlace();
    done = await place.client.run(() => mail.enqueue("ada@example.com"));
    failed = await place.client.run(() => broken.enqueue("orders.csv"));
    await runAll(place.client, [done, failed]);
    queued = await place.client.run(() => mail.with({ priority: 7 }).enqueue("grace@example.com"));
    later = await place.client.run(() => mail.with({ delay: "2h", uniqueKey: "alan" }).enqueue("alan@example.com"));
  }, 60_000);

  afterAll(() => place.client.close());

  test("counts shows a table with a line for each queue", async () => {
    const { code, stdout, stderr } = await place.run("counts");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(
      /^queue +scheduled +queued +running +succeeded +failed +canceled +expired +oldest waits since$/,
    );
    expect(lines[1]).toMatch(/^default +1 +1 +0 +1 +0 +0 +0 +(now|\d+ (s|min) ago)$/);
    expect(lines[2]).toMatch(/^imports +0 +0 +0 +0 +1 +0 +0 +-$/);
    expect(lines).toHaveLength(3);
  });

  test("counts --json prints an array", async () => {
    const { stdout } = await place.run("counts", "--json");
    expect(JSON.parse(stdout)).toMatchObject([
      { queue: "default", scheduled: 1, queued: 1, succeeded: 1, isPaused: false },
      { queue: "imports", failed: 1 },
    ]);
  });

  test("list shows a table, newest first, with what matters of each", async () => {
    const { code, stdout } = await place.run("list");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^id +task +queue +status +attempt +stored$/);
    expect(lines.slice(1).map((line) => line.slice(0, 36))).toEqual([later.id, queued.id, failed.id, done.id]);
    expect(lines[1]).toMatch(/mail +default +scheduled +0\/5 +.*\["alan@example\.com"\]$/);
    expect(lines[3]).toMatch(/broken +imports +failed +2\/2 +.*orders\.csv is broken$/);
  });

  test.each<[readonly string[], readonly ("done" | "failed" | "queued" | "later")[]]>([
    [["--status", "failed"], ["failed"]],
    [
      ["--status", "failed,scheduled"],
      ["later", "failed"],
    ],
    [["--queue", "imports"], ["failed"]],
    [
      ["--task", "mail"],
      ["later", "queued", "done"],
    ],
    [["--task", "mail", "--status", "succeeded"], ["done"]],
    [["--search", "grace"], ["queued"]],
    [["--search", "is broken"], ["failed"]],
    [
      ["--limit", "2"],
      ["later", "queued"],
    ],
    [["--task", "nothing"], []],
  ])("list %j takes the jobs that match, one JSON object a line", async (args, expected) => {
    const jobs = await place.jsonLines("list", ...args);
    const known = { done, failed, queued, later };
    expect(jobs.map(({ id }) => id)).toEqual(expected.map((name) => known[name].id));
  });

  test("list says in words when there is nothing", async () => {
    expect(await place.run("list", "--task", "nothing")).toMatchObject({ code: 0, stdout: "No such jobs.\n" });
  });

  test("show tells everything about a job that failed, with the stacks of its attempts", async () => {
    const { code, stdout } = await place.run("show", failed.id);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^id +${failed.id}$`, "m"));
    for (const pattern of [
      /^task +broken$/m,
      /^status +failed$/m,
      /^queue +imports, priority 5$/m,
      /^attempt +2 of 2$/m,
      /^arguments +\["orders\.csv"\]$/m,
      /^ended +\d{4}-.* ago|now/m,
      /^Attempt 1 failed .*:\n {2}TypeError: orders\.csv is broken\n {2} +at /m,
      /^Attempt 2 failed .*:\n {2}TypeError: orders\.csv is broken\n {2} +at /m,
    ])
      expect(stdout).toMatch(pattern);
  });

  test("show tells what a job waits for, what it resulted in, and nothing that is not there", async () => {
    const waiting = (await place.run("show", later.id)).stdout;
    expect(waiting).toMatch(/^unique key +alan$/m);
    expect(waiting).toMatch(/^may run +.*\(in \d/m);
    expect(waiting).not.toMatch(/^(ended|started|result|progress)/m);
    expect(waiting).not.toContain("undefined");
    expect((await place.run("show", done.id)).stdout).toMatch(/^result +"sent to ada@example\.com"$/m);
  });

  test("show --json prints an object, with arguments and result as values", async () => {
    const { stdout } = await place.run("show", done.id, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      id: done.id,
      name: "mail",
      status: "succeeded",
      args: ["ada@example.com"],
      result: "sent to ada@example.com",
      attempt: 1,
    });
  });

  test("show ends with 1 and a message for an id that is not there", async () => {
    expect(await place.run("show", "nobody")).toEqual({
      code: 1,
      stdout: "",
      stderr: "There is no job nobody on sqlite, or not any more.",
    });
  });

  test("retry and cancel end with 1 and name the ids that they could not change", async () => {
    expect(await place.run("retry", queued.id, "nobody")).toEqual({
      code: 1,
      stdout: "0 jobs queued again.\n",
      stderr: `2 could not be queued again, because of their state or because there is no such job: ${queued.id} nobody`,
    });
    const canceled = await place.run("cancel", done.id);
    expect(canceled).toMatchObject({ code: 1, stdout: "0 jobs canceled.\n" });
    expect(canceled.stderr).toContain(`1 could not be canceled`);
  });

  test.each([[["retry"]], [["cancel"]], [["retry", "some-id", "--all"]]])(
    "%j ends with 2: it wants ids or --all",
    async (args) => {
      const result = await place.run(...args);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain("Give the ids of the jobs, or --all with conditions");
    },
  );

  test.each<[readonly string[], string]>([
    [["retry", "--all"], "This would queue again 1 job. Add --yes to do it."],
    [["cancel", "--all"], "This would cancel 2 jobs. Add --yes to do it."],
    [["purge", "--status", "failed,expired"], "This would forget all jobs that are failed or expired. Add --yes"],
  ])("%j without --yes changes nothing where nobody can be asked, and ends with 2", async (args, message) => {
    const result = await place.run(...args);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(await place.client.broker.counts()).toMatchObject([
      { scheduled: 1, queued: 1, succeeded: 1 },
      { queue: "imports", failed: 1 },
    ]);
  });

  test("ask the broker that --broker or --app names, before that of the environment", async () => {
    const env = { AFTERWORD_BROKER: "sqlite:elsewhere.db" };
    const named = await runCli(["tasks", "list", "--broker", "sqlite:tasks.db", "--json"], { cwd: place.folder, env });
    expect(named.stdout.split("\n")).toHaveLength(5);
    const app = fileURLToPath(new URL("fixtures/file-app.ts", import.meta.url));
    const ofApp = await runCli(["tasks", "list", "--app", app, "--json"], { cwd: place.folder, env });
    expect(ofApp).toMatchObject({ code: 0, stderr: "" });
    expect(ofApp.stdout).toBe(named.stdout);
  }, 60_000);

  test("refuse an app whose jobs are in memory, and a file that cannot be opened, with 1", async () => {
    const app = fileURLToPath(new URL("fixtures/memory-app.ts", import.meta.url));
    const ofMemory = await runCli(["tasks", "counts", "--app", app], { cwd: place.folder });
    expect(ofMemory).toMatchObject({ code: 1, stdout: "" });
    expect(ofMemory.stderr).toContain("keeps its jobs in memory, where only its own process can see them.");
    const missing = await runCli(["tasks", "counts", "--broker", "sqlite:/no/such/folder/tasks.db"]);
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toContain("/no/such/folder");
    expect(missing.stderr).not.toMatch(/^\s+at /m);
  }, 60_000);
});

describe("afterword tasks changes jobs:", () => {
  test("the story of a failed one: found, looked at, retried, run again", async () => {
    const place = await createPlace();
    await using client = place.client;
    const handle = await broken.enqueue("story.csv");
    await runAll(client, [handle]);
    const [listed] = await place.jsonLines("list", "--status", "failed");
    expect(listed).toMatchObject({ id: handle.id, error: { name: "TypeError", message: "story.csv is broken" } });
    const shown = JSON.parse((await place.run("show", listed!.id, "--json")).stdout) as JobInfo;
    expect(shown.failures.map(({ attempt }) => attempt)).toEqual([1, 2]);
    for (const { stack } of shown.failures) expect(stack).toMatch(/^TypeError: story\.csv is broken\n\s+at /);
    expect(await place.run("retry", handle.id)).toEqual({ code: 0, stdout: "1 job queued again.\n", stderr: "" });
    expect(await client.job(handle.id).status()).toBe("queued");
    const again = client.job(handle.id);
    await runAll(client, [again]);
    const info = await again.info();
    // It had all its attempts before it again, and what was seen before is still known.
    expect(info).toMatchObject({ status: "failed", attempt: 2, attempts: 2 });
    expect(info!.failures.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2]);
  }, 90_000);

  test("retry --all takes the failed ones that match, or those of another status", async () => {
    const place = await createPlace();
    await using client = place.client;
    const handles = [await broken.enqueue("a.csv"), await broken.enqueue("b.csv")];
    await runAll(client, handles);
    const canceled = await mail.enqueue("x");
    await canceled.cancel();
    expect(await place.run("retry", "--all", "--search", "b.csv", "--yes")).toMatchObject({
      code: 0,
      stdout: "1 job queued again.\n",
    });
    expect(await statuses(client)).toEqual(["failed", "queued", "canceled"]);
    expect((await place.run("retry", "--all", "--status", "canceled", "--yes")).stdout).toBe("1 job queued again.\n");
    expect(await statuses(client)).toEqual(["failed", "queued", "queued"]);
    expect((await place.run("retry", "--all", "--task", "nothing", "--yes")).stdout).toBe("0 jobs queued again.\n");
  }, 90_000);

  test("cancel takes ids or all that wait, and keeps the reason", async () => {
    const place = await createPlace();
    await using _ = place.client;
    const first = await mail.enqueue("a");
    const second = await mail.enqueue("b");
    const third = await mail.with({ delay: "1h" }).enqueue("c");
    expect((await place.run("cancel", first.id, "--reason", "a typo")).stdout).toBe("1 job canceled.\n");
    expect((await first.info())?.reason).toBe("a typo");
    expect((await place.run("cancel", "--all", "--task", "mail", "--yes")).stdout).toBe("2 jobs canceled.\n");
    expect((await second.info())?.reason).toBe("canceled from the command line");
    expect((await third.done).status).toBe("canceled");
  }, 60_000);

  test("cancel tells a running one to stop, in whatever process", async () => {
    const place = await createPlace();
    await using client = place.client;
    let signal: AbortSignal | undefined;
    const endless = task("endless", async () => {
      signal = currentTask().signal;
      await new Promise(() => {});
    });
    const handle = await endless.enqueue();
    await using worker = new Worker({ broker: client.broker });
    await worker.start();
    await waitUntil(() => signal !== undefined);
    expect((await place.run("cancel", handle.id)).stdout).toBe("1 job canceled.\n");
    expect(await handle.done).toEqual({ status: "canceled", reason: "canceled from the command line" });
    expect((signal!.reason as Error).message).toBe("canceled from the command line");
  }, 60_000);

  test("purge forgets those of a status, of a task, and that ended long enough ago", async () => {
    const place = await createPlace();
    await using client = place.client;
    const handles = [await mail.enqueue("a"), await broken.enqueue("a.csv")];
    await runAll(client, handles);
    const purge = async (...args: string[]) => {
      const { stdout, stderr } = await place.run("purge", ...args, "--yes");
      return stdout + stderr;
    };
    expect(await purge("--status", "succeeded,failed", "--older-than", "1h")).toBe("0 jobs forgotten.\n");
    expect(await purge("--status", "succeeded,failed", "--task", "mail")).toBe("1 job forgotten.\n");
    expect(await statuses(client)).toEqual(["failed"]);
    expect(await purge("--status", "failed", "--queue", "default")).toBe("0 jobs forgotten.\n");
    expect(await purge("--status", "failed", "--queue", "imports")).toBe("1 job forgotten.\n");
    expect(await statuses(client)).toEqual([]);
  }, 90_000);

  test("many are found and changed in parts", async () => {
    const place = await createPlace();
    await using client = place.client;
    await Promise.all(Array.from({ length: 450 }, (_, n) => mail.enqueue(`${n}@example.com`)));
    const listed = await place.jsonLines("list", "--limit", "430");
    expect(new Set(listed.map(({ id }) => id)).size).toBe(430);
    expect((await place.run("cancel", "--all", "--yes")).stdout).toBe("450 jobs canceled.\n");
    expect(await client.broker.counts()).toMatchObject([{ queued: 0, canceled: 450 }]);
  }, 60_000);

  test("counts of an empty broker says so", async () => {
    const place = await createPlace();
    await using _ = place.client;
    expect((await place.run("counts")).stdout).toBe("No queues yet: nothing was stored.\n");
  });
});

/** The statuses of all jobs, oldest first. */
async function statuses(client: Client): Promise<string[]> {
  const { jobs } = await client.broker.list({ filter: {}, limit: 100 });
  return jobs.map(({ status }: Job) => status).toReversed();
}
