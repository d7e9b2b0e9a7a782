import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";
import { createTempDirectory } from "../../../test/support/temp-directory.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { DeliveredJob, Job } from "../../tasks/job.ts";
import type { Claim } from "../pulled/store.ts";
import { toSqliteConfig, type SqliteOptions } from "./options.ts";
import { SqliteStore } from "./sqlite-store.ts";

export async function newFile(): Promise<string> {
  return join(await createTempDirectory(), "tasks.db");
}

/** A store that is open until the test ends. */
export async function openStore(file: string, options: SqliteOptions = {}): Promise<SqliteStore> {
  const store = new SqliteStore(toSqliteConfig(file, { thread: false, synchronous: "normal", ...options }));
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

/** A connection beside the store, closed when the test ends. */
export function connect(file: string): DatabaseSync {
  const connection = new DatabaseSync(file);
  onTestFinished(() => {
    if (connection.isOpen) connection.close();
  });
  return connection;
}

export function claim(store: SqliteStore, count = 10, leaseMs = 60_000): Promise<Claim> {
  return store.claim({ worker: "w", queues: ["default"], count, leaseMs, maxDeliveries: 3 });
}

export async function finish(store: SqliteStore, { id, epoch }: DeliveredJob, ending: Ending): Promise<boolean> {
  return (await store.finish({ endings: [{ id, epoch, ending }] }))[0]!;
}

export const succeeded = (value: unknown): Ending => ({ status: "succeeded", result: JSON.stringify(value) });
export const failed = { status: "failed", error: { name: "Error", message: "no luck" } } as const satisfies Ending;

export async function get(store: SqliteStore, id: string): Promise<Job> {
  return (await store.get({ ids: [id] }))[0]!;
}

/** Runs the next job to its end. */
export async function runNext(store: SqliteStore, ending: Ending): Promise<string> {
  const [job] = (await claim(store, 1)).jobs;
  await finish(store, job!, ending);
  return job!.id;
}
