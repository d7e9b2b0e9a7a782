import { abilities, type Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";
import { toSqliteConfig, type SqliteOptions } from "./options.ts";

export type { SqliteOptions } from "./options.ts";

/**
 * Keeps jobs in a SQLite file: they survive the process and, by default, the loss of power. Nothing has to be installed, and
 * several processes of one machine may share the file. It is made when it is not there; its folder must be.
 *
 * @param file - its path, relative to where the process runs, or a `file:` URL. Not on a network file system
 * @throws {DeclarationError} for an unknown option or a wrong value; what is wrong with the file is told when it is opened
 *
 * @example
 * ```ts
 * import { App, sqlite } from "afterword";
 *
 * const app = new App({ broker: sqlite("tasks.db") });
 * ```
 */
export function sqlite(file: string | URL, options: SqliteOptions = {}): Broker {
  const config = toSqliteConfig(file, options);
  return new PulledBroker({
    name: "sqlite",
    load: async () => new (await import("./sqlite-store.ts")).SqliteStore(config),
    isDurable: true,
    supports: abilities,
  });
}
