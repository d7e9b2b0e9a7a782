/** The thread that writes to the file. Started by {@link ThreadDriver}, which is its only partner. */
import { parentPort, workerData } from "node:worker_threads";
import { Core } from "./core.ts";
import { loadDatabaseClass } from "./database.ts";
import { watchMs } from "./driver.ts";
import { executeBatch } from "./execute-batch.ts";
import { dataVersion } from "./loop-driver.ts";
import { openDatabase } from "./open-database.ts";
import type { SqliteConfig } from "./options.ts";
import { RenewedLeases } from "./renewed-leases.ts";
import { toOpenFailure } from "./sqlite-error.ts";
import type { ToMain, ToThread } from "./thread-messages.ts";

const port = parentPort!;
const config = workerData as SqliteConfig;
const post = (message: ToMain): void => port.postMessage(message);

function main(core: Core): void {
  const leases = new RenewedLeases(core, config.file);
  let version = 0;
  let timer: NodeJS.Timeout | undefined;
  port.on("message", (message: ToThread) => {
    switch (message.kind) {
      case "execute": {
        const executed = executeBatch(core, message.operations, config.file);
        post({ kind: "executed", ...executed });
        leases.note(message.operations, executed.results);
        break;
      }
      case "watch":
        clearInterval(timer);
        if (!message.isOn) break;
        version = dataVersion(core);
        timer = setInterval(() => {
          const now = dataVersion(core);
          if (now === version) return;
          version = now;
          post({ kind: "changed" });
        }, watchMs);
        break;
      case "close":
        clearInterval(timer);
        leases.stop();
        (core.db.connection as { close?(): void }).close?.();
        post({ kind: "closed" });
        port.close();
    }
  });
  post({ kind: "opened", failure: undefined });
}

try {
  main(new Core(openDatabase(await loadDatabaseClass(), config), config.maxQueued));
} catch (error) {
  post({ kind: "opened", failure: toOpenFailure(error, config.file) });
}
