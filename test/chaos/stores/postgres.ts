import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, Pool } from "pg";
import { freePort } from "../../support/free-port.ts";
import { programOf } from "../../support/programs.ts";
import type { ChaosStore, Effect, Observer, RunningRow } from "./chaos-store.ts";
import { StoreServer } from "./store-server.ts";

const run = promisify(execFile);

export const postgresPrograms = ["initdb", "postgres"] as const;

/** A cluster of its own, with the settings that the server has by default. */
export async function startPostgresStore(folder: string): Promise<ChaosStore> {
  const user = await serverUser();
  const own = await mkdtemp(join(folder, "postgres-"));
  if (user) {
    await chmod(folder, 0o711);
    await chown(own, user.uid, user.gid);
  }
  const data = join(own, "data");
  await run(programOf("initdb"), ["-D", data, "-A", "trust", "-U", "postgres", "-N"], { cwd: own, ...user });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const server = new StoreServer({
    program: programOf("postgres"),
    args: ["-D", data, "-p", String(port), "-k", own, "-c", "listen_addresses=127.0.0.1"],
    folder: own,
    user,
    // What pg_ctl calls "immediate".
    shutdownSignal: "SIGQUIT",
    answers: () => answers(url),
  });
  await server.start();
  return {
    broker: { kind: "postgres", url },
    server,
    graceMs: 3_000,
    observe: () => PostgresObserver.open(url),
    close: async () => {
      await server.kill();
      await rm(own, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The server refuses to run as root. */
async function serverUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, "postgres"])));
  return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    void client.end().catch(() => {});
  }
}

/**
 * In the transaction that stores an ending a line is left, with the worker that held the job: a fenced store leaves one for each.
 * Workers are kept apart, because one that has been silent for long is forgotten.
 */
const triggers = `
  CREATE SCHEMA chaos;
  CREATE TABLE chaos.effects (number bigserial PRIMARY KEY, id text, state text, epoch integer, worker text, author integer, error text);
  CREATE TABLE chaos.workers (id text PRIMARY KEY, pid integer);
  CREATE FUNCTION chaos.note_worker() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO chaos.workers VALUES (NEW.id, NEW.pid) ON CONFLICT DO NOTHING;
    RETURN NULL;
  END $$;
  CREATE FUNCTION chaos.note_ending() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO chaos.effects (id, state, epoch, worker, author, error) VALUES (NEW.id::text,
      CASE NEW.state::text WHEN 'completed' THEN 'succeeded' WHEN 'cancelled' THEN 'canceled' ELSE NEW.state::text END,
      NEW.retry_count, NEW.trace_context ->> 'worker',
      CASE WHEN NEW.state = 'completed' THEN ((NEW.output ->> 'value')::json ->> 'pid')::integer END, NEW.output ->> 'code');
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_worker AFTER INSERT ON afterword.workers FOR EACH ROW EXECUTE FUNCTION chaos.note_worker();
  CREATE TRIGGER chaos_ending AFTER INSERT OR UPDATE ON pgboss.job FOR EACH ROW
    WHEN (NEW.state IN ('completed', 'failed', 'cancelled')) EXECUTE FUNCTION chaos.note_ending();
  INSERT INTO chaos.workers SELECT id, pid FROM afterword.workers ON CONFLICT DO NOTHING;
`;

class PostgresObserver implements Observer {
  readonly #pool: Pool;

  static async open(url: string): Promise<Observer> {
    const timeouts = { connectionTimeoutMillis: 2_000, query_timeout: 5_000 };
    const pool = new Pool({ connectionString: url, max: 3, ...timeouts });
    pool.on("error", () => {});
    pool.on("connect", (client) => client.on("error", () => {}));
    await pool.query(triggers);
    return new PostgresObserver(pool);
  }

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async effects(): Promise<readonly Effect[]> {
    const { rows } = await this.#pool.query<Effect>(
      `SELECT e.id, e.state, e.epoch, w.pid AS holder, e.author, e.error
       FROM chaos.effects e LEFT JOIN chaos.workers w ON w.id = e.worker ORDER BY e.number`,
    );
    return rows;
  }

  async running(): Promise<readonly RunningRow[]> {
    const { rows } = await this.#pool.query<RunningRow>(
      `SELECT j.id, (extract(epoch FROM j.heartbeat_on) * 1000)::float8 AS "leaseUntil", w.pid
       FROM pgboss.job j LEFT JOIN chaos.workers w ON w.id = j.trace_context ->> 'worker' WHERE j.state = 'active'`,
    );
    return rows;
  }

  async unfinished(): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>(
      `SELECT count(*)::integer FROM pgboss.job j JOIN afterword.queues q ON q.name = j.name WHERE j.state < 'completed'`,
    );
    return rows[0]!.count;
  }

  /** A client that stands still in a transaction keeps others from its rows at most. */
  async isWritable(): Promise<boolean> {
    return true;
  }
}
