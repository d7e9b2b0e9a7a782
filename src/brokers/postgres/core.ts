import type { FinalEnding } from "./ending.ts";
import type { Tables } from "./options.ts";

/** Runs a statement, and gives its rows. */
export type Query = (text: string, values: readonly unknown[]) => Promise<readonly unknown[]>;

/** What the verbs work on: a connection, mostly within a transaction. */
export class Core {
  readonly tables: Tables;
  /** The names of our queues at pg-boss, as a subquery. */
  readonly ours: string;
  /** The ids of the jobs that it changes. */
  changed: string[] = [];
  /** Jobs that have ended and that others wait for, who are told before the transaction is over. */
  endedParts: { readonly id: string; readonly ending: FinalEnding }[] = [];
  readonly #query: Query;

  constructor(tables: Tables, query: Query) {
    this.tables = tables;
    this.ours = `(SELECT name FROM ${tables.own}.queues)`;
    this.#query = query;
  }

  /** @param text - must be one of few: statements are prepared once, and kept */
  async rows<Row>(text: string, ...values: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.#query(text, values)) as readonly Row[];
  }
}

/** Milliseconds since the Unix epoch, of an instant in SQL. */
export function ms(instant: string): string {
  return `floor(extract(epoch FROM ${instant}) * 1000)::float8`;
}

/** What PostgreSQL stores in no text: the character of code 0, and halves of characters. */
export function clean(text: string): string {
  return /[\0\ud800-\udfff]/.test(text) ? text.toWellFormed().replaceAll("\0", "\ufffd") : text;
}

const idPattern = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Those that a job can have: PostgreSQL refuses to look for others. */
export function possibleIds(ids: readonly string[]): readonly string[] {
  return ids.filter((id) => idPattern.test(id));
}
