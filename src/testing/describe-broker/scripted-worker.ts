import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Broker } from "../../tasks/broker.ts";
import { behave } from "./behavior.ts";
import { appendJournal } from "./worker-journal.ts";

/** The environment variable through which the suite tells the program what to do. */
export const scriptVariable = "AFTERWORD_SCRIPTED_WORKER";

/** What {@link scriptVariable} holds, as JSON. */
export interface WorkerScript {
  /** The file to write what happens to. */
  readonly journal: string;
  readonly queues: readonly string[];
  readonly slots: number;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

/**
 * Consumes in a process of its own, for {@link describeBroker}: the whole of the program that `spawnWorker` of a setup
 * starts. Runs until the process is killed; on SIGTERM it gives its jobs back and closes the broker.
 *
 * @param broker - on the store of the test, not open yet
 * @example
 * ```ts
 * // worker.ts, started by spawnWorker: (env) => spawn(process.execPath, ["worker.ts", file], { env: { ...process.env, ...env } })
 * import { sqlite } from "afterword";
 * import { runScriptedWorker } from "afterword/testing";
 *
 * await runScriptedWorker(sqlite(process.argv[2]!));
 * ```
 */
export async function runScriptedWorker(broker: Broker): Promise<void> {
  const text = process.env[scriptVariable];
  if (text === undefined)
    throw new Error(
      `The environment variable ${scriptVariable} is not set: give the program the env that spawnWorker was called with.`,
    );
  const { journal, ...options } = JSON.parse(text) as WorkerScript;
  endWithParent();
  await broker.open();
  const { queues, slots } = options;
  const consumer = broker.consume(
    {
      ...options,
      worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues, slots },
      onError: (error) => appendJournal(journal, { event: "error", text: String(error) }),
    },
    async (delivery) => {
      const { id, attempt, deliveries } = delivery.job;
      delivery.onAbort = ({ code }) => appendJournal(journal, { event: "aborted", id, code });
      appendJournal(journal, { event: "started", id, attempt, deliveries });
      const ending = await behave(delivery);
      appendJournal(journal, { event: "answered", id, status: ending.status });
      return ending;
    },
  );
  process.once("SIGTERM", () => {
    void consumer
      .stop()
      .then(() => consumer.close())
      .then(() => broker.close())
      .finally(() => process.exit());
  });
  appendJournal(journal, { event: "ready" });
}

/** A test run that was killed leaves no workers behind. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, 1_000);
}
