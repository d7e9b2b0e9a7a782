import { Client } from "pg";

const place = process.env.AFTERWORD_TEST_POSTGRES ?? "postgres://postgres@127.0.0.1:5432/postgres";
const prefix = "afterword_bench_";

/** What a commit on a server means. */
export interface PostgresSettings {
  readonly version: string;
  readonly synchronousCommit: string;
  readonly fsync: string;
}

/** Databases of its own on a PostgreSQL server that others use as well. */
export class PostgresServer implements AsyncDisposable {
  readonly settings: PostgresSettings;
  readonly #admin: Client;
  #number = 0;

  /** @returns why not, when there is none */
  static async connect(): Promise<PostgresServer | string> {
    const admin = new Client({ connectionString: place, connectionTimeoutMillis: 2_000 });
    admin.on("error", () => {});
    try {
      await admin.connect();
    } catch (error) {
      await admin.end();
      const { host } = new URL(place);
      return `no PostgreSQL at ${host}: ${(error as Error).message}; start one, or set AFTERWORD_TEST_POSTGRES`;
    }
    const { rows } = await admin.query<PostgresSettings>(
      `SELECT current_setting('server_version') AS version, current_setting('synchronous_commit') AS "synchronousCommit",
         current_setting('fsync') AS fsync`,
    );
    const server = new PostgresServer(admin, rows[0]!);
    await server.#dropStale();
    return server;
  }

  private constructor(admin: Client, settings: PostgresSettings) {
    this.#admin = admin;
    this.settings = settings;
  }

  /** Calls `fn` with the URL of a new database, and drops it. */
  async withDatabase<T>(fn: (url: string) => Promise<T>): Promise<T> {
    const name = `${prefix}${process.pid}_${++this.#number}`;
    await this.#admin.query(`CREATE DATABASE ${name}`);
    try {
      const url = new URL(place);
      url.pathname = `/${name}`;
      return await fn(url.href);
    } finally {
      await this.#drop(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.end();
  }

  /** What runs that were killed have left behind. */
  async #dropStale(): Promise<void> {
    const { rows } = await this.#admin.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)
         AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = pg_database.datname)`,
      [prefix],
    );
    for (const { name } of rows) {
      const pid = Number(name.slice(prefix.length).split("_")[0]);
      if (!isRunning(pid)) await this.#drop(name);
    }
  }

  async #drop(name: string): Promise<void> {
    await this.#admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}

/** Does what the server does by itself within some minutes, so that it does not do it while something is measured. */
export async function tidyDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("VACUUM ANALYZE");
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
