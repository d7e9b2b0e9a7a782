import { abilities, type Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";
import { toPostgresConfig, type PostgresOptions } from "./options.ts";

export type { PostgresOptions } from "./options.ts";

/**
 * Keeps jobs in PostgreSQL (13 or newer), in the tables of pg-boss 12.38, whose dashboard shows them. Any number of processes may
 * store and run them. Needs the packages `pg` and `pg-boss`; tables are created when it is opened.
 *
 * A stored job survives whatever a committed transaction survives: with the server's default `synchronous_commit = on`, the
 * loss of power.
 *
 * @param options - where the server is, as a URL, or all that can be set
 * @throws {DeclarationError} for an unknown option or a wrong value. What is wrong with the server is told when the broker is
 *   opened, with the code `broker_open_failed`, or `missing_package`
 *
 * @example
 * ```ts
 * import { App } from "afterword";
 * import { postgres } from "afterword/postgres";
 *
 * const app = new App({ broker: postgres("postgres://user:password@localhost:5432/app") });
 * ```
 */
export function postgres(options: string | PostgresOptions = {}): Broker {
  const config = toPostgresConfig(options);
  return new PulledBroker({
    name: "postgres",
    load: async () => new (await import("./postgres-store.ts")).PostgresStore(config),
    isDurable: true,
    isEmbedded: false,
    supports: abilities,
  });
}
