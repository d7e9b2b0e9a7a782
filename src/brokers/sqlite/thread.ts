/** The thread that writes to the file. Started by {@link ThreadDriver}, which is its only partner. */
import { parentPort, workerData } from "node:worker_threads";
import { loadDatabaseClass } from "./database.ts";
import { ForeignChanges } from "./foreign-changes.ts";
import type { SqliteConfig } from "./options.ts";
import { unpackOperations } from "./packed-operations.ts";
import { RenewedLeases } from "./renewed-leases.ts";
import { toOpenFailure } from "./sqlite-error.ts";
import type { ToMain, ToThread } from "./thread-messages.ts";
import { Writer } from "./writer.ts";

const port = parentPort!;
const config = workerData as SqliteConfig;
const post = (message: ToMain): void => port.postMessage(message);

function main(writer: Writer): void {
  const leases = new RenewedLeases(writer);
  const changes = new ForeignChanges(writer, () => post({ kind: "changed" }));
  const receive = (message: ToThread): void => {
    switch (message.kind) {
      case "execute": {
        const operations = unpackOperations(message.operations);
        const executed = writer.execute(operations);
        post({ kind: "executed", ...executed });
        leases.note(operations, executed.results);
        break;
      }
      case "watch":
        if (message.isOn) changes.start();
        else changes.stop();
        break;
      case "close":
        changes.stop();
        leases.stop();
        writer.close();
        post({ kind: "closed" });
        // With nobody to listen the thread ends. Deno's port cannot be closed.
        port.off("message", receive);
    }
  };
  port.on("message", receive);
  post({ kind: "opened", failure: undefined });
}

try {
  main(new Writer(await loadDatabaseClass(), config));
} catch (error) {
  post({ kind: "opened", failure: toOpenFailure(error, config.file) });
}
