import type { Pool } from "pg";
import { hangUp } from "./hang-up.ts";

/** So often the server is asked whether it is still there, and so long it may take to say so. */
const checkMs = 1_000;
const answerMs = 2_000;

/**
 * Work that may take as long as it needs, as the migration of a large table does, but not on a server that has fallen silent:
 * a connection of its own asks that server again and again.
 *
 * @returns what the work resolves with; rejects as it does, or when the server does not answer
 */
export async function whileAnswering<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const { Client } = await import("pg");
  const client = new Client({ ...pool.options, connectionTimeoutMillis: answerMs, query_timeout: answerMs });
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    const check = (): void => {
      timer = setTimeout(() => {
        client.query("SELECT 1").then(check, reject);
      }, checkMs);
    };
    client.on("error", reject);
    client.connect().then(check, reject);
  });
  try {
    return await Promise.race([work(), silent]);
  } finally {
    clearTimeout(timer);
    hangUp(client);
  }
}
