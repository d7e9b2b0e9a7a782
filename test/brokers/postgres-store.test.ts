import { Client, Pool } from "pg";
import { PgBoss } from "pg-boss";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { Core } from "../../src/brokers/postgres/core.ts";
import { extend, succeed } from "../../src/brokers/postgres/finish.ts";
import { postgres } from "../../src/brokers/postgres/index.ts";
import { toPostgresConfig } from "../../src/brokers/postgres/options.ts";
import { PostgresStore } from "../../src/brokers/postgres/postgres-store.ts";
import type { DeliveredJob } from "../../src/tasks/job.ts";
import { createSampleJob, createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withPostgres } from "../support/test-servers.ts";
import { createDatabase, dropTemplate, urlOf } from "./postgres-setup.ts";

afterAll(dropTemplate);

async function createUrl(): Promise<string> {
  const { name, drop } = await createDatabase();
  onTestFinished(drop);
  return urlOf(name);
}

async function open(url: string): Promise<PostgresStore> {
  const store = new PostgresStore(toPostgresConfig(url));
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function startBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
  boss.on("error", () => {});
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));
  return boss;
}

async function claim(store: PostgresStore, count: number): Promise<readonly DeliveredJob[]> {
  const request = { worker: "w1", queues: ["default"], count, leaseMs: 30_000, maxDeliveries: 3 };
  return (await store.claim(request)).jobs;
}

withPostgres("pg-boss on the same database", () => {
  it("shows our jobs with their states", async () => {
    const url = await createUrl();
    const store = await open(url);
    const [succeeds, fails, runs, waits, canceled] = createSampleJobs(5);
    await store.enqueue({ jobs: [succeeds!, fails!, runs!] });
    const [one, two] = await claim(store, 3);
    await store.finish({
      endings: [
        { id: one!.id, epoch: one!.epoch, ending: { status: "succeeded", result: "[1]" } },
        { id: two!.id, epoch: two!.epoch, ending: { status: "failed", error: { name: "Error", message: "no" } } },
      ],
    });
    await store.enqueue({ jobs: [waits!, canceled!] });
    await store.cancel({ ids: [canceled!.id], reason: "not needed" });
    const boss = await startBoss(url);
    const states = await Promise.all(
      [succeeds, fails, runs, waits, canceled].map(async (job) => (await boss.getJobById("default", job!.id))?.state),
    );
    expect(states).toEqual(["completed", "failed", "active", "created", "cancelled"]);
    const job = await boss.getJobById("default", succeeds!.id);
    expect(job?.data).toMatchObject({ task: "sample", args: "[0]" });
    expect(job?.output).toEqual({ value: "[1]" });
  });

  it("finds its schema as it made it", async () => {
    const url = await createUrl();
    const store = await open(url);
    await store.enqueue({ jobs: [createSampleJob()] });
    const boss = await startBoss(url);
    expect((await boss.detectSchemaDrift()).ok).toBe(true);
  });

  it("deletes nothing, and takes nothing away, that is waiting or running", async () => {
    const url = await createUrl();
    const store = await open(url);
    const jobs = createSampleJobs(2);
    await store.enqueue({ jobs });
    await claim(store, 1);
    const boss = await startBoss(url);
    await boss.supervise("default");
    expect((await store.get({ ids: jobs.map(({ id }) => id) })).map((job) => job?.status)).toEqual([
      "running",
      "queued",
    ]);
  });

  it("may delete a queue, which is made anew for the next job", async () => {
    const url = await createUrl();
    const store = await open(url);
    await store.enqueue({ jobs: [createSampleJob()] });
    await (await startBoss(url)).deleteQueue("default");
    const jobs = [createSampleJob(), createSampleJob({ uniqueKey: "k" })];
    for (const job of jobs) await store.enqueue({ jobs: [job] });
    expect((await store.get({ ids: jobs.map(({ id }) => id) })).map((job) => job?.status)).toEqual([
      "queued",
      "queued",
    ]);
  });

  it("deletes jobs that were kept for their time", async () => {
    const url = await createUrl();
    const store = await open(url);
    const client = await connect(url);
    const job = createSampleJob({ keepResultMs: 1 });
    await store.enqueue({ jobs: [job] });
    await store.cancel({ ids: [job.id], reason: "no" });
    const boss = await startBoss(url);
    await waitUntil(
      async () => {
        await client.query("UPDATE pgboss.queue SET maintain_on = NULL");
        await boss.supervise("default");
        return (await client.query("SELECT 1 FROM pgboss.job WHERE id = $1", [job.id])).rows.length === 0;
      },
      8_000,
      "pg-boss has deleted the job",
    );
  });
});

withPostgres("the statistics of the planner", () => {
  it("of before the jobs were claimed do not make it compare each that runs with each that is asked for", async () => {
    const url = await createUrl();
    const store = await open(url);
    await store.enqueue({ jobs: createSampleJobs(5_000) });
    const client = await connect(url);
    await client.query("ANALYZE");
    const held = (await claim(store, 500)).map(({ id, epoch }) => ({ name: "default", id, epoch }));
    const plans: string[] = [];
    const core = new Core(toPostgresConfig(url).tables, async (text, values) => {
      const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, [...values]);
      plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
      return [];
    });
    const ending = { status: "succeeded", result: "1" } as const;
    await succeed(
      core,
      held.map((hold) => ({ ...hold, ending })),
    );
    const worker = { id: "w1", host: "h", pid: 1, queues: ["default"], slots: 500 };
    await extend(core, { worker, holds: held, leaseMs: 30_000 }, held);
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).toMatch(/(?:Index|Hash) Cond: .*\bid = given\.id/);
      expect(plan).not.toContain("Join Filter");
    }
  });

  it("are fresh after a bulk insert", async () => {
    const url = await createUrl();
    const store = await open(url);
    const client = await connect(url);
    for (let batch = 0; batch < 6; batch++) await store.enqueue({ jobs: createSampleJobs(1_000) });
    const estimate = async (): Promise<number> =>
      (await client.query<{ rows: number }>("SELECT reltuples AS rows FROM pg_class WHERE relname = 'job_common'"))
        .rows[0]!.rows;
    await waitUntil(async () => (await estimate()) >= 4_500, 5_000, "the planner knows of the jobs");
  });
});

withPostgres("opening", () => {
  it("refuses a schema of pg-boss that is newer", async () => {
    const url = await createUrl();
    const client = await connect(url);
    await client.query("UPDATE pgboss.version SET version = 999");
    await expect(postgres(url).open()).rejects.toMatchObject({
      code: "broker_open_failed",
      message: expect.stringContaining("has version 999") as string,
    });
  });

  it("refuses tables of a newer version of Afterword", async () => {
    const url = await createUrl();
    const client = await connect(url);
    await client.query("UPDATE afterword.meta SET version = 999");
    await expect(postgres(url).open()).rejects.toMatchObject({ code: "broker_open_failed" });
  });

  it("says that there is no such database", async () => {
    await expect(postgres(urlOf("afterword_test_nowhere")).open()).rejects.toMatchObject({
      code: "broker_open_failed",
      message: expect.stringContaining("no such database") as string,
    });
  });

  it("may be done by several processes at the same time, on a database in which there is nothing", async () => {
    const url = await createUrl();
    const client = await connect(url);
    await client.query("DROP SCHEMA afterword CASCADE; DROP SCHEMA pgboss CASCADE");
    const brokers = Array.from({ length: 4 }, () => postgres(url));
    await Promise.all(brokers.map((broker) => broker.open()));
    await Promise.all(brokers.map((broker) => broker.enqueue({ jobs: [createSampleJob()] })));
    expect((await brokers[0]!.counts())[0]?.queued).toBe(4);
    for (const broker of brokers) await broker.close();
  }, 20_000);

  it("keeps to another schema", async () => {
    const url = await createUrl();
    const broker = postgres({ url, schema: "tasks" });
    await broker.open();
    onTestFinished(() => broker.close());
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    const client = await connect(url);
    expect((await client.query("SELECT 1 FROM tasks.job")).rows).toHaveLength(1);
    expect(await (await open(url)).get({ ids: [job.id] })).toEqual([undefined]);
  }, 20_000);
});

withPostgres("a pool that is handed over", () => {
  it("is used, and not closed", async () => {
    const pool = new Pool({ connectionString: await createUrl() });
    const broker = postgres({ pool });
    await broker.open();
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    expect((await broker.get({ ids: [job.id] }))[0]?.status).toBe("queued");
    await broker.close();
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

withPostgres("options", () => {
  it.each([
    [{ colour: "red" }, "no option"],
    [{ url: "mysql://x" }, "expects a URL"],
    [{ maxConnections: 0 }, "maxConnections"],
    [{ schema: "a b" }, "schema"],
    [{ url: "postgres://x", pool: new Pool() }, "not both"],
  ])("refuse %o", (options, part) => {
    expect(() => postgres(options as never)).toThrow(part);
  });
});

withPostgres("a list on PostgreSQL", () => {
  it(
    "skips no job of a queue because another queue has too many to look through at once",
    { timeout: 120_000 },
    async () => {
      const url = await createUrl();
      const store = await open(url);
      const wanted = (queue: string): ReturnType<typeof createSampleJob> =>
        createSampleJob({ queue, task: "wanted", args: '["here"]' });
      const [old, elder] = [wanted("crowded"), wanted("quiet")];
      await store.enqueue({ jobs: [elder, old] });
      await store.enqueue({ jobs: createSampleJobs(1, { queue: "crowded", task: "other" }) });
      const client = await connect(url);
      // As many as nobody wants to store one by one here; all of them newer.
      await client.query(
        `INSERT INTO pgboss.job (id, name, data, state, created_on, start_after, keep_until, policy, trace_context, priority,
         retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds, singleton_key)
       SELECT gen_random_uuid(), name, data, state, created_on + n * interval '1 ms', start_after, keep_until, policy, trace_context,
         priority, retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds, singleton_key
       FROM pgboss.job, generate_series(1, 5500) n WHERE data ->> 'task' = 'other'`,
      );
      const found: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page = await store.list({ filter: { text: "here" }, limit: 1, after });
        found.push(...page.jobs.map(({ id }) => id));
        after = page.next;
        pages++;
      } while (after !== undefined && pages < 20);
      expect(found).toEqual([old.id, elder.id]);
    },
  );

  it("knows that an id of another form is no job's", async () => {
    const store = await open(await createUrl());
    const [job] = createSampleJobs(1);
    await store.enqueue({ jobs: [job!] });
    const ids = ["no-such-id", job!.id, ""];
    expect((await store.get({ ids })).map((each) => each?.id)).toEqual([undefined, job!.id, undefined]);
    expect(await store.cancel({ ids, reason: "r" })).toEqual(["unknown", "canceled", "unknown"]);
    expect(await store.retry({ ids })).toEqual([false, true, false]);
    expect(await store.remove({ ids })).toEqual([false, true, false]);
  });
});
