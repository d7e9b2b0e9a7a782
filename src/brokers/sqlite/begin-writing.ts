import type { Database } from "./database.ts";
import { isBusy } from "./sqlite-error.ts";

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Begins a transaction that writes, as soon as no other connection does. SQLite's own waiting sleeps longer and longer, up to a
 * tenth of a second: beside another process that writes all the time, that is to be late each time.
 */
export function beginWriting(db: Database): void {
  const { busyTimeoutMs, connection } = db;
  const endMs = performance.now() + busyTimeoutMs;
  // Prepared anew each time: this pragma is carried out when it is prepared.
  connection.prepare("PRAGMA busy_timeout = 0").get();
  try {
    for (;;) {
      try {
        db.run("BEGIN IMMEDIATE");
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= endMs) throw error;
        Atomics.wait(cell, 0, 0, 0.25 + Math.random() / 2);
      }
    }
  } finally {
    connection.prepare(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get();
  }
}
