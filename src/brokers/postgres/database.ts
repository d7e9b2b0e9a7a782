import type { Pool, PoolClient } from "pg";
import { StoreError } from "../../tasks/store-error.ts";
import { Core } from "./core.ts";
import { hangUp } from "./hang-up.ts";
import type { PostgresConfig } from "./options.ts";
import { settleParts } from "./parts.ts";
import { isConnectionLost, isWorthRepeating, toStoreError } from "./postgres-error.ts";

/** So long a verb may take: what was promised is two seconds. */
const answerMs = 1_800;
/** So often something is tried again that other transactions were in the way of. */
const maxTries = 5;

export type Work<T> = (core: Core) => Promise<T>;

/** What has been done, and what it has changed. */
export interface Done<T> {
  readonly value: T;
  readonly changed: readonly string[];
}

type Kind = "single" | "once" | "transaction";

/** A connection that is in use, and what is known of what has been sent. */
interface Session {
  client: PoolClient | undefined;
  /** Whether the answer that is waited for decides if something is stored. */
  isDeciding: boolean;
  isOver: boolean;
}

/** Runs verbs on a pool of connections, each within its time. */
export class Database {
  readonly #config: PostgresConfig;
  readonly #pool: Pool;
  readonly #inUse = new Set<Session>();
  readonly #running = new Set<Promise<unknown>>();

  constructor(config: PostgresConfig, pool: Pool) {
    this.#config = config;
    this.#pool = pool;
  }

  /** Work of one statement, which is its own transaction. Done twice it does the same: it is repeated when a connection breaks. */
  single<T>(work: Work<T>): Promise<Done<T>> {
    return this.#count(this.#try(work, "single", answerMs));
  }

  /** Work of one statement that is not to be done twice. */
  once<T>(work: Work<T>): Promise<Done<T>> {
    return this.#count(this.#try(work, "once", answerMs));
  }

  /** Work of several statements: all or none of it is done. */
  transact<T>(work: Work<T>, withinMs: number = answerMs): Promise<Done<T>> {
    return this.#count(this.#try(work, "transaction", withinMs));
  }

  #count<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    const over = (): void => void this.#running.delete(running);
    running.then(over, over);
    return running;
  }

  /** What was asked for before is done before. Each of it has its time, so this ends soon. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #try<T>(work: Work<T>, kind: Kind, withinMs: number): Promise<Done<T>> {
    const endMs = performance.now() + withinMs;
    for (let tries = 1; ; tries++) {
      const session: Session = { client: undefined, isDeciding: false, isOver: false };
      try {
        return await this.#within(endMs, session, this.#run(session, work, kind === "transaction"));
      } catch (error) {
        const hasTime = tries < maxTries && performance.now() < endMs - 200;
        // A connection that the server has ended while nobody used it says so at its first use.
        const isStale = session.client !== undefined && !(error instanceof StoreError) && isConnectionLost(error);
        const isHarmless = kind === "single" || !session.isDeciding;
        if (hasTime && !session.isOver && (isWorthRepeating(error) || (isStale && isHarmless))) continue;
        throw toStoreError(error, this.#config.place, !session.isDeciding || !isConnectionLost(error));
      }
    }
  }

  async #run<T>(session: Session, work: Work<T>, isTransaction: boolean): Promise<Done<T>> {
    const client = await this.#pool.connect();
    if (session.isOver) {
      client.release();
      throw new Error("too late");
    }
    session.client = client;
    this.#inUse.add(session);
    // Whoever waits for an answer is told by its query; without a listener, the process would end.
    if (client.listenerCount("error") === 0) client.on("error", () => {});
    const core = new Core(this.#config.tables, async (text, values) => {
      if (session.isOver) throw new Error("too late");
      session.isDeciding = !isTransaction;
      return (await client.query({ name: nameOf(text), text, values: values as unknown[] })).rows as unknown[];
    });
    let isUsable = false;
    try {
      if (isTransaction) await client.query("BEGIN");
      const value = await work(core);
      if (isTransaction) {
        await settleParts(core);
        if (session.isOver) throw new Error("too late");
        session.isDeciding = true;
        await client.query("COMMIT");
      }
      isUsable = true;
      return { value, changed: core.changed };
    } catch (error) {
      if (!isConnectionLost(error) || error instanceof StoreError) {
        isUsable = isTransaction ? await rollback(client) : true;
      }
      throw error;
    } finally {
      this.#inUse.delete(session);
      if (!session.isOver) client.release(!isUsable);
    }
  }

  /** Rejects when the time is over, and drops the connection: nobody knows when it would answer. */
  #within<T>(endMs: number, session: Session, running: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          session.isOver = true;
          if (session.client) {
            session.client.release(true);
            hangUp(session.client);
          }
          running.catch(() => {});
          reject(new Error("it did not answer in time"));
        },
        Math.max(1, endMs - performance.now()),
      );
      running.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Drops the connections that are still in use. */
  drop(): void {
    for (const session of this.#inUse) {
      session.isOver = true;
      session.client?.release(true);
      if (session.client) hangUp(session.client);
    }
  }
}

async function rollback(client: PoolClient): Promise<boolean> {
  return client.query("ROLLBACK").then(
    () => true,
    () => false,
  );
}

const names = new Map<string, string>();

/** The name of a prepared statement. There are few texts, and each has the same name on all connections of a process. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `afterword_${names.size + 1}`));
  return name;
}
