import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { sqlite, type SqliteOptions } from "../../src/brokers/sqlite/index.ts";
import type { BrokerSetup, UserTransaction } from "../../src/testing/describe-broker/index.ts";

const workerProgram = fileURLToPath(new URL("fixtures/sqlite-worker.ts", import.meta.url));

/** A broker on a file of its own, and all that the suite can make use of. */
export async function createSqliteSetup(options: SqliteOptions): Promise<BrokerSetup> {
  const folder = await mkdtemp(join(tmpdir(), "afterword-sqlite-"));
  const file = join(folder, "tasks.db");
  return {
    broker: sqlite(file, options),
    another: async () => sqlite(file, options),
    spawnWorker: async (env) =>
      spawn(process.execPath, ["--conditions=afterword-source", workerProgram, file, JSON.stringify(options)], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "", ...env },
      }),
    transaction: async () => begin(file),
    interrupt: async () => lockFile(file),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Nobody can write to the file until what this returns is called. */
export function lockFile(file: string): () => Promise<void> {
  return begin(file).rollback;
}

/** While it is open, nobody else can write to the file. */
function begin(file: string): UserTransaction {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  database.exec("BEGIN IMMEDIATE");
  const end = async (statement: string): Promise<void> => {
    database.exec(statement);
    database.close();
  };
  return { handle: database, commit: () => end("COMMIT"), rollback: () => end("ROLLBACK") };
}
