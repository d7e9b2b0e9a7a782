import type { Pool, PoolConfig } from "pg";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";

/** What `postgres(options)` takes. */
export interface PostgresOptions {
  /**
   * Where the server is: `"postgres://user:password@host:5432/database"`.
   *
   * @defaultValue what the environment says: `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`
   */
  readonly url?: string;
  /** A pool of the package pg that the app has already. It is not closed with the broker. */
  readonly pool?: Pool;
  /** Further settings for the connections, as the package pg takes them: `ssl`, `password` as a function, … */
  readonly connection?: PoolConfig;
  /** How many connections verbs may use, besides one that listens and up to two for pg-boss. @defaultValue 6 */
  readonly maxConnections?: number;
  /** The schema of pg-boss. What pg-boss lacks is kept in `afterword`, or in `<schema>_afterword` if it is another one. @defaultValue `"pgboss"` */
  readonly schema?: string;
}

/** {@link PostgresOptions} with everything decided. */
export interface PostgresConfig {
  readonly pool: Pool | undefined;
  readonly connection: PoolConfig;
  readonly maxConnections: number;
  readonly tables: Tables;
  /** The server, for people. Without the password. */
  readonly place: string;
}

/** How tables are named in SQL. */
export interface Tables {
  /** The schema of pg-boss. */
  readonly boss: string;
  /** The schema of what pg-boss lacks. */
  readonly own: string;
  /** pg-boss's table of jobs. */
  readonly jobs: string;
}

const names = ["url", "pool", "connection", "maxConnections", "schema"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toPostgresConfig(options: string | PostgresOptions): PostgresConfig {
  const given: PostgresOptions = typeof options === "string" ? { url: options } : options;
  if (typeof given !== "object" || given === null)
    throw new DeclarationError(`postgres() expects a URL or an object of options, but got ${formatValue(options)}.`);
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new DeclarationError(`postgres() has no option ${JSON.stringify(name)}. It has ${names.join(", ")}.`);
  const { url, pool, connection = {}, maxConnections = 6, schema = "pgboss" } = given;
  if (pool !== undefined && (url !== undefined || given.connection !== undefined))
    throw new DeclarationError(
      "postgres() expects either a pool, or a url and the settings of a connection, not both.",
    );
  if (pool !== undefined && typeof (pool as Partial<Pool>).connect !== "function")
    throw new DeclarationError(`postgres(): pool must be a Pool of the package pg, but got ${formatValue(pool)}.`);
  if (!Number.isInteger(maxConnections) || maxConnections < 1)
    throw new DeclarationError(
      `postgres(): maxConnections must be an integer of 1 or more, but got ${formatValue(maxConnections)}.`,
    );
  if (typeof schema !== "string" || !/^[a-z_][a-z0-9_]{0,49}$/.test(schema))
    throw new DeclarationError(
      `postgres(): schema must be a name of lower case letters, digits and underscores, but got ${formatValue(schema)}.`,
    );
  return {
    pool,
    connection: url === undefined ? connection : { ...connection, connectionString: assertUrl(url) },
    maxConnections,
    tables: { boss: schema, own: schema === "pgboss" ? "afterword" : `${schema}_afterword`, jobs: `${schema}.job` },
    place: pool ? "the server of the pool" : toPlace(url, connection),
  };
}

function assertUrl(url: unknown): string {
  if (typeof url === "string" && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new DeclarationError(
    `postgres() expects a URL such as "postgres://user:password@host:5432/database", but got ${typeof url === "string" ? "another text" : formatValue(url)}.`,
  );
}

function toPlace(url: string | undefined, { host, port }: PoolConfig): string {
  if (url === undefined)
    return `${host ?? process.env["PGHOST"] ?? "localhost"}:${port ?? process.env["PGPORT"] ?? 5432}`;
  const { hostname, port: portOfUrl } = new URL(url);
  return `${hostname || "localhost"}:${portOfUrl || 5432}`;
}
