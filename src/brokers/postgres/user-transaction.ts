import type { StoredJob } from "../../tasks/broker.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { Core, type Query } from "./core.ts";
import { enqueue } from "./enqueue.ts";
import type { JobInsert } from "./job-insert.ts";
import type { PostgresConfig } from "./options.ts";
import { settleParts } from "./parts.ts";
import { toStoreError } from "./postgres-error.ts";

/**
 * Stores jobs through the user's own connection, within the transaction that is open on it. Others are told when it commits.
 *
 * @param query - runs statements within the transaction
 */
export async function enqueueInTransaction(
  query: Query,
  jobs: readonly JobInsert[],
  { tables, place }: PostgresConfig,
  channel: string,
): Promise<readonly StoredJob[]> {
  const core = new Core(tables, query);
  try {
    // In case they cannot be stored: the rest of the user's transaction is the user's affair.
    await core.rows("SAVEPOINT afterword");
    try {
      const stored = await enqueue(core, jobs);
      await settleParts(core);
      await core.rows(`SELECT pg_notify($1, ':')`, channel);
      await core.rows("RELEASE SAVEPOINT afterword");
      return stored;
    } catch (error) {
      await core.rows("ROLLBACK TO SAVEPOINT afterword").catch(() => {});
      throw error;
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === "25P01")
      throw wrong(
        "with({ transaction }) was given a connection on which no transaction is open. Begin one first, and commit it after enqueue().",
      );
    throw toStoreError(error, place, true);
  }
}

interface Executor {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

type Method = (...values: readonly unknown[]) => Promise<{ rows: unknown[] }>;

/** The packages are told apart by the methods of their transactions; pg-boss knows how each runs a statement. */
export async function toQuery(transaction: unknown): Promise<Query> {
  const has = (name: string): boolean =>
    transaction !== null &&
    (typeof transaction === "object" || typeof transaction === "function") &&
    typeof (transaction as Record<string, unknown>)[name] === "function";
  if (has("executeQuery")) return ofExecutor((await import("pg-boss")).fromKysely(transaction as never));
  if (has("raw")) return ofExecutor((await import("pg-boss")).fromKnex(transaction as never));
  if (has("$queryRawUnsafe")) return ofExecutor((await import("pg-boss")).fromPrisma(transaction as never));
  if (has("execute") && has("select"))
    return ofExecutor((await import("pg-boss")).fromDrizzle(transaction as never, (await importDrizzle()) as never));
  if (has("query") && has("connect"))
    return async (text, values) => {
      const { query } = transaction as { query: Method };
      return (await query.call(transaction, text, values)).rows;
    };
  throw wrong(
    `with({ transaction }) expects a client of pg, or a transaction of Kysely, Knex, Drizzle or Prisma, but got ${formatValue(transaction)}.`,
  );
}

function ofExecutor(executor: Executor): Query {
  return async (text, values) => (await executor.executeSql(text, [...values])).rows;
}

async function importDrizzle(): Promise<unknown> {
  // By a name that no bundler and no compiler looks for: it is there when the transaction is one of its.
  const name: string = "drizzle-orm";
  return ((await import(name)) as { sql: unknown }).sql;
}

function wrong(message: string): AfterwordError {
  return new AfterwordError("invalid_transaction", message);
}
