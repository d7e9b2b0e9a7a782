import type { Pool, PoolClient } from "pg";
import { hangUp } from "./hang-up.ts";

/** So long connections may take to say goodbye. */
const goodbyeMs = 300;

/** Ends a pool, also one whose server does not answer. */
export async function closePool(pool: Pool): Promise<void> {
  const { _clients: clients = [] } = pool as Pool & { _clients?: readonly PoolClient[] };
  const timer = setTimeout(() => {
    for (const client of [...clients]) hangUp(client);
  }, goodbyeMs);
  const limit = new Promise((resolve) => setTimeout(resolve, 2 * goodbyeMs).unref());
  await Promise.race([pool.end().catch(() => {}), limit]);
  clearTimeout(timer);
}
