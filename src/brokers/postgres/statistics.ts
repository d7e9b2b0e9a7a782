import type { Pool } from "pg";
import type { Tables } from "./options.ts";

/** So many new jobs make the statistics of the planner stale. */
const staleAfter = 5_000;
/** What our statements look for and sort by. To analyze the rest, which is JSON, takes longer than all of these. */
const columns =
  "name, id, state, priority, blocked, singleton_key, start_after, created_on, completed_on, heartbeat_on";
/** It pauses for so many times as long as it took: while very many jobs are added, that is most of what the server has to do. */
const pauses = 9;

/**
 * Keeps the statistics of pg-boss's tables fresh. After a bulk insert into a fresh queue the planner knows nothing of the new
 * rows, and fetching was measured at 550 jobs a second instead of 14,000; the server's own passes come a minute later.
 */
export class Statistics {
  readonly #pool: Pool;
  readonly #tables: Tables;
  #added = 0;
  /** Whether it runs, or ran a moment ago. */
  #isBusy = false;

  constructor(pool: Pool, tables: Tables) {
    this.#pool = pool;
    this.#tables = tables;
  }

  added(count: number): void {
    this.#added += count;
    if (this.#added >= staleAfter) void this.refresh();
  }

  async refresh(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#added = 0;
    const startMs = performance.now();
    const { boss, own } = this.#tables;
    try {
      const { rows } = await this.#pool.query<{ name: string }>(
        `SELECT DISTINCT table_name AS name FROM ${boss}.queue WHERE name IN (SELECT name FROM ${own}.queues)`,
      );
      for (const { name } of rows)
        await this.#pool.query(`ANALYZE ${boss}."${name.replaceAll('"', '""')}" (${columns})`);
    } catch {
      // The next bulk insert, or the server by itself, makes up for it.
    }
    setTimeout(() => this.#rested(), pauses * (performance.now() - startMs)).unref();
  }

  #rested(): void {
    this.#isBusy = false;
    if (this.#added >= staleAfter) void this.refresh();
  }
}
