import { drizzle } from "drizzle-orm/node-postgres";
import createKnex from "knex";
import { Kysely, PostgresDialect } from "kysely";
import { Client, Pool } from "pg";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/brokers/postgres/index.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { withPostgres } from "../support/test-servers.ts";
import { createDatabase, dropTemplate, urlOf } from "./postgres-setup.ts";

afterAll(dropTemplate);

async function opened(): Promise<{ broker: ReturnType<typeof postgres>; client: Client; url: string }> {
  const { name, drop } = await createDatabase();
  onTestFinished(drop);
  const broker = postgres(urlOf(name));
  await broker.open();
  const client = new Client({ connectionString: urlOf(name) });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await broker.close();
  });
  return { broker, client, url: urlOf(name) };
}

/** Begins a transaction with a package, and ends it as it is told. */
type Transact = (url: string, use: (transaction: unknown) => Promise<void>, isCommitted: boolean) => Promise<void>;

/** Ends the transactions of packages that commit unless something is thrown. */
class RolledBack extends Error {}

async function orRollBack(run: Promise<unknown>): Promise<void> {
  await run.catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
}

const packages: Readonly<Record<string, Transact>> = {
  async pg(url, use, isCommitted) {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query("BEGIN");
    await use(client);
    await client.query(isCommitted ? "COMMIT" : "ROLLBACK");
    await client.end();
  },
  async Kysely(url, use, isCommitted) {
    const kysely = new Kysely<Record<string, never>>({
      dialect: new PostgresDialect({ pool: new Pool({ connectionString: url }) }),
    });
    await orRollBack(
      kysely.transaction().execute(async (transaction) => {
        await use(transaction);
        if (!isCommitted) throw new RolledBack();
      }),
    );
    await kysely.destroy();
  },
  async Knex(url, use, isCommitted) {
    const knex = createKnex({ client: "pg", connection: url });
    await orRollBack(
      knex.transaction(async (transaction) => {
        await use(transaction);
        if (!isCommitted) throw new RolledBack();
      }),
    );
    await knex.destroy();
  },
  async Drizzle(url, use, isCommitted) {
    const pool = new Pool({ connectionString: url });
    await orRollBack(
      drizzle(pool).transaction(async (transaction) => {
        await use(transaction);
        if (!isCommitted) throw new RolledBack();
      }),
    );
    await pool.end();
  },
};

withPostgres.each(Object.entries(packages))("a transaction of %s", (_, transact) => {
  it("stores jobs when it commits, and nothing when it is rolled back", async () => {
    const { broker, url } = await opened();
    const jobs = [createSampleJob(), createSampleJob({ queue: "new", uniqueKey: "k", args: '["?", "$1"]' })];
    const ids = jobs.map(({ id }) => id);
    const store = async (transaction: unknown): Promise<void> => {
      await broker.enqueue({ jobs, transaction });
      // Nobody else sees them before it has committed.
      expect(await broker.get({ ids })).toEqual([undefined, undefined]);
    };
    await transact(url, store, false);
    expect(await broker.get({ ids })).toEqual([undefined, undefined]);
    await transact(url, store, true);
    expect((await broker.get({ ids })).map((job) => job?.args)).toEqual(["[]", '["?", "$1"]']);
  });
});

withPostgres("with({ transaction })", () => {
  it("refuses a connection on which no transaction is open", async () => {
    const { broker, client } = await opened();
    await expect(broker.enqueue({ jobs: [createSampleJob()], transaction: client })).rejects.toMatchObject({
      code: "invalid_transaction",
      message: expect.stringContaining("no transaction is open") as string,
    });
  });

  it("refuses what is no transaction", async () => {
    const { broker } = await opened();
    for (const transaction of [{}, 1, "tx", null, () => {}])
      await expect(broker.enqueue({ jobs: [createSampleJob()], transaction })).rejects.toMatchObject({
        code: "invalid_transaction",
      });
  });

  it("leaves the user's transaction usable when the jobs cannot be stored", async () => {
    const { broker, client } = await opened();
    await client.query("BEGIN");
    const odd = { ...createSampleJob(), id: "no UUID" };
    await expect(broker.enqueue({ jobs: [odd], transaction: client })).rejects.toMatchObject({ code: "not_stored" });
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await client.query("COMMIT");
  });
});
