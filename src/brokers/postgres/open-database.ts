import type { Pool, PoolClient, QueryConfig } from "pg";
import type { PgBoss } from "pg-boss";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { startBoss } from "./boss.ts";
import { closePool } from "./close-pool.ts";
import { hangUp } from "./hang-up.ts";
import type { PostgresConfig, Tables } from "./options.ts";
import { explain } from "./postgres-error.ts";
import { migrations } from "./schema.ts";
import { whileAnswering } from "./while-answering.ts";

/** So long connecting may take. */
const connectMs = 1_500;

/** The connections of an open broker. */
export interface Connections {
  /** For verbs. */
  readonly pool: Pool;
  /** For what takes long: migrations, pg-boss's own work, statistics. */
  readonly slowPool: Pool;
  readonly boss: PgBoss;
}

/** @throws {AfterwordError} with code `broker_open_failed`, which says what is wrong and how to mend it */
export async function openDatabase(config: PostgresConfig): Promise<Connections> {
  const { Pool: NewPool } = await importPg();
  const shared = { connectionTimeoutMillis: connectMs, keepAlive: true, application_name: "afterword" };
  const given = { ...shared, ...(config.pool ? config.pool.options : config.connection) };
  const pool =
    config.pool ??
    new NewPool({
      ...given,
      max: config.maxConnections,
      verify: settle,
    });
  const slowPool = new NewPool({ ...given, max: 2, idleTimeoutMillis: 10_000, query_timeout: 300_000 });
  // A connection that breaks while nobody uses it is replaced.
  for (const each of config.pool ? [slowPool] : [pool, slowPool]) {
    each.on("error", () => {});
    each.on("connect", (client) => client.on("error", () => {}));
  }
  try {
    const boss = await whileAnswering(slowPool, async () => {
      const started = await startBoss(slowPool, config.tables);
      await migrate(slowPool, config.tables);
      return started;
    });
    return { pool, slowPool, boss };
  } catch (error) {
    void closePool(slowPool);
    if (!config.pool) void closePool(pool);
    if (error instanceof AfterwordError) throw error;
    throw new AfterwordError("broker_open_failed", explain(error, config.place), { cause: error });
  }
}

/**
 * What holds for a connection of ours. It is said in a statement and not when connecting, where PgBouncer would refuse it. A plan that
 * was made for an empty table must not read all of one that has grown since: see docs/internals/postgres.md.
 */
const settings =
  "SET jit = off; SET enable_seqscan = off; SET statement_timeout = 1700; SET idle_in_transaction_session_timeout = 5000";

function settle(client: PoolClient, done: (error?: Error) => void): void {
  client.query({ text: settings, query_timeout: connectMs } as QueryConfig).then(
    () => done(),
    (error: Error) => {
      hangUp(client);
      done(error);
    },
  );
}

async function importPg(): Promise<{ readonly Pool: typeof Pool }> {
  try {
    await import("pg-boss");
    return await import("pg");
  } catch (error) {
    throw new AfterwordError(
      "missing_package",
      "postgres() needs the packages pg and pg-boss. Install them: npm install pg pg-boss@12.38",
      { cause: error },
    );
  }
}

/** What pg-boss lacks is created by one process at a time. */
async function migrate(pool: Pool, { own, ...tables }: Tables): Promise<void> {
  const steps = migrations({ own, ...tables });
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`afterword migration ${own}`]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${own}`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${own}.meta (version integer NOT NULL)`);
    const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${own}.meta`);
    const version = rows[0]?.version ?? 0;
    if (version > steps.length)
      throw new AfterwordError(
        "broker_open_failed",
        `The schema "${own}" was written by a newer version of Afterword (${version}, this one knows ${steps.length}). Install that one.`,
      );
    for (const step of steps.slice(version)) await client.query(step);
    if (version === 0) await client.query(`INSERT INTO ${own}.meta (version) VALUES (${steps.length})`);
    else if (version < steps.length) await client.query(`UPDATE ${own}.meta SET version = ${steps.length}`);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
