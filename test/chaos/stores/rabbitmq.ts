import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { answersAmqp, planRabbitmqNode } from "../../support/rabbitmq-node.ts";
import type { ChaosStore } from "./chaos-store.ts";
import { observeSqlite } from "./sqlite.ts";
import { StoreServer } from "./store-server.ts";

/** A node of its own that carries the messages, and a SQLite file that keeps the state of the jobs: endings are observed there. */
export async function startRabbitmqStore(folder: string): Promise<ChaosStore> {
  const own = await mkdtemp(join(folder, "rabbitmq-"));
  const results = join(folder, "tasks.db");
  const { program, env, url } = await planRabbitmqNode(own);
  const server = new StoreServer({
    program,
    args: [],
    env,
    folder: own,
    shutdownSignal: "SIGTERM",
    answers: () => answersAmqp(url),
  });
  await server.start();
  return {
    broker: { kind: "rabbitmq", url, results },
    server,
    graceMs: 3_000,
    observe: () => observeSqlite(results),
    close: async () => {
      await server.kill();
      await rm(own, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
