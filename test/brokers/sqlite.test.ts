import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { sqlite } from "../../src/brokers/sqlite/index.ts";
import { describeBroker, type BrokerSetup, type UserTransaction } from "../../src/testing/describe-broker/index.ts";

const workerProgram = fileURLToPath(new URL("fixtures/sqlite-worker.ts", import.meta.url));

describeBroker({ test: { describe, it }, name: "sqlite", createBroker });

async function createBroker(): Promise<BrokerSetup> {
  const folder = await mkdtemp(join(tmpdir(), "afterword-sqlite-"));
  const file = join(folder, "tasks.db");
  return {
    broker: sqlite(file),
    another: async () => sqlite(file),
    spawnWorker: async (env) =>
      spawn(process.execPath, ["--conditions=afterword-source", workerProgram, file], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "", ...env },
      }),
    transaction: async () => begin(file),
    interrupt: async () => {
      const { rollback } = begin(file);
      return rollback;
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** While it is open, nobody else can write to the file. */
function begin(file: string): UserTransaction {
  const database = new DatabaseSync(file);
  database.exec("BEGIN IMMEDIATE");
  const end = async (statement: string): Promise<void> => {
    database.exec(statement);
    database.close();
  };
  return { handle: database, commit: () => end("COMMIT"), rollback: () => end("ROLLBACK") };
}
