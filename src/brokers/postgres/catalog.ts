import { clean, type Core } from "./core.ts";
import type { JobInsert } from "./job-insert.ts";
import type { LimitedQueue } from "./limits.ts";

interface QueueRow {
  readonly name: string;
  readonly queue: string;
  readonly task: string | null;
}

/** What this process knows of our queues at pg-boss. Others make some, too, so it is read anew from time to time. */
export class Catalog {
  #known = new Map<string, QueueRow>();

  /** The queues of pg-boss that have jobs of these queues: those of all tasks, and those of tasks that have limits. */
  find(queues: readonly string[]): { readonly plain: readonly string[]; readonly limited: readonly LimitedQueue[] } {
    const plain: string[] = [];
    const limited: LimitedQueue[] = [];
    for (const { name, queue, task } of this.#known.values()) {
      if (!queues.includes(queue)) continue;
      if (task === null) plain.push(name);
      else limited.push({ name, task });
    }
    return { plain, limited };
  }

  queueOf(name: string): string {
    return this.#known.get(name)?.queue ?? name;
  }

  /** Queues of these jobs that are not known to be there. */
  missing(jobs: readonly JobInsert[]): readonly QueueRow[] {
    const missing = new Map<string, QueueRow>();
    for (const { name, job } of jobs)
      if (!this.#known.has(name))
        missing.set(name, { name, queue: clean(job.queue), task: job.limits ? clean(job.task) : null });
    return [...missing.values()];
  }

  add(rows: readonly QueueRow[]): void {
    for (const row of rows) this.#known.set(row.name, row);
  }

  /** A queue was deleted: which, the next one who looks finds out. */
  forget(): void {
    this.#known = new Map();
  }

  async read(core: Core): Promise<void> {
    const rows = await core.rows<QueueRow>(`SELECT name, queue, task FROM ${core.tables.own}.queues`);
    this.#known = new Map(rows.map((row) => [row.name, row]));
  }
}

/** Makes queues at pg-boss, and notes what they are for. */
export async function createQueues(core: Core, rows: readonly QueueRow[]): Promise<void> {
  const { boss, own } = core.tables;
  for (const { name, queue, task } of rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    await core.rows(`SELECT ${boss}.create_queue($1, '{"policy":"standard"}'::jsonb)`, name);
    await core.rows(
      `INSERT INTO ${own}.queues (name, queue, task) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      name,
      queue,
      task,
    );
  }
}
