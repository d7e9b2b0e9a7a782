import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "../../support/free-port.ts";
import { programOf } from "../../support/programs.ts";
import type { ChaosStore, Effect, Observer, RunningRow } from "./chaos-store.ts";
import { StoreServer } from "./store-server.ts";

export const redisPrograms = ["redis-server"] as const;

/** A server of its own that keeps what it has answered. */
export async function startRedisStore(folder: string): Promise<ChaosStore> {
  const data = await mkdtemp(join(folder, "redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const server = new StoreServer({
    program: programOf("redis-server"),
    args: ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, ...durable],
    folder: data,
    shutdownSignal: "SIGTERM",
    answers: () => answers(url),
  });
  await server.start();
  return {
    broker: { kind: "redis", url },
    server,
    graceMs: 3_000,
    observe: async () => new RedisObserver(url),
    close: async () => {
      await server.kill();
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    // PING is answered when the file has been loaded; the client's own check would look a second later.
    enableReadyCheck: false,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

const queue = "afterword:default";
const beside = "afterword:$";
const finalStates = new Set(["succeeded", "failed", "canceled", "expired"]);

interface Ending {
  readonly id: string;
  readonly author: number | null;
  readonly isSuccess: boolean;
}

/**
 * Reads BullMQ's stream of events. Each ending leaves a line there in the script that stores it, and what has been answered is
 * on the disk: a fenced store leaves one line for each job.
 */
class RedisObserver implements Observer {
  readonly #client: Redis;
  readonly #pids = new Map<string, number>();
  readonly #endings: Ending[] = [];
  #last = "0";
  #reading: Promise<void> = Promise.resolve();

  constructor(url: string) {
    const isBounded = { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 5_000 };
    this.#client = new Redis(url, { ...isBounded, retryStrategy: () => 50, enableReadyCheck: false });
    this.#client.on("error", () => {});
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }

  async effects(): Promise<readonly Effect[]> {
    await this.#read();
    const ids = [...new Set(this.#endings.map(({ id }) => id))];
    const hashes = new Map(
      await Promise.all(
        ids.map(async (id) => {
          const hash = await this.#client.hmget(`${queue}:${id}`, "state", "epoch", "worker", "error");
          return [id, hash] as const;
        }),
      ),
    );
    return this.#endings.map(({ id, author, isSuccess }) => {
      const [state, epoch, worker, error] = hashes.get(id)!;
      const code = error ? ((JSON.parse(error) as { readonly code?: string }).code ?? null) : null;
      const ended = isSuccess ? "succeeded" : state && finalStates.has(state) ? state : "failed";
      return {
        id,
        state: ended,
        epoch: Number(epoch),
        holder: this.#pids.get(worker ?? "") ?? null,
        author,
        error: code,
      };
    });
  }

  async running(): Promise<readonly RunningRow[]> {
    await this.#read();
    const flat = await this.#client.zrangebyscore(`${beside}:leases`, "-inf", "+inf", "WITHSCORES");
    const rows: RunningRow[] = [];
    for (let index = 0; index < flat.length; index += 2) {
      const id = flat[index]!.split(" ")[0]!;
      const [worker, state] = await this.#client.hmget(`${queue}:${id}`, "worker", "state");
      if (state === "running")
        rows.push({ id, leaseUntil: Number(flat[index + 1]), pid: this.#pids.get(worker ?? "") ?? null });
    }
    return rows;
  }

  async unfinished(): Promise<number> {
    const counts = await Promise.all([
      this.#client.zcard(`${queue}:prioritized`),
      this.#client.zcard(`${queue}:delayed`),
      this.#client.llen(`${queue}:active`),
      this.#client.llen(`${queue}:wait`),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** A client that stands still keeps nobody from anything. */
  async isWritable(): Promise<boolean> {
    return true;
  }

  /** One after the other. BullMQ cuts its stream to about 10,000 lines, so that it has to be read all along. */
  #read(): Promise<void> {
    const reading = this.#reading.then(() => this.#readOn());
    this.#reading = reading.catch(() => {});
    return reading;
  }

  async #readOn(): Promise<void> {
    // Workers are forgotten when they have been silent for long.
    const workers = await this.#client.hgetall(`${beside}:workers`);
    for (const [id, text] of Object.entries(workers)) {
      const { worker } = JSON.parse(text) as { readonly worker: string };
      this.#pids.set(id, (JSON.parse(worker) as { readonly pid: number }).pid);
    }
    for (;;) {
      const found = await this.#client.xread("COUNT", 5_000, "STREAMS", `${queue}:events`, this.#last);
      const lines = found?.[0]?.[1] ?? [];
      for (const [at, fields] of lines) {
        this.#last = at;
        const event = toObject(fields as readonly string[]);
        if (event.event === "completed") {
          const { pid = null } = JSON.parse(event.returnvalue ?? "{}") as { readonly pid?: number };
          this.#endings.push({ id: event.jobId!, author: pid, isSuccess: true });
        } else if (event.event === "failed") this.#endings.push({ id: event.jobId!, author: null, isSuccess: false });
      }
      if (lines.length === 0) return;
    }
  }
}

function toObject(fields: readonly string[]): Readonly<Record<string, string | undefined>> {
  const object: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) object[fields[index]!] = fields[index + 1]!;
  return object;
}
