import { InvalidArgumentError, type Command } from "commander";
import { closeOnSignals } from "../app/signals.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { queuesOfTasks } from "../worker/worker.ts";
import { CliError } from "./cli-error.ts";
import { loadApp } from "./load-app.ts";

interface Options {
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  readonly lease?: number;
}

/** `afterword worker app.ts` */
export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("Runs the named tasks of an app, without serving it.")
    .argument("<app>", "the file that exports the app, such as app.ts; TypeScript runs as it is")
    .option(
      "-q, --queues <names>",
      "the queues to serve, with commas (default: those of all tasks of the app)",
      toNames,
    )
    .option(
      "-c, --concurrency <n>",
      "how many jobs run at the same time (default: the app's worker.concurrency, else 10)",
      toCount,
    )
    .option(
      "-l, --lease <duration>",
      "how long it may be silent before its jobs are given to others: 10s, 2m (default: the app's worker.lease, else 30s)",
      toDuration,
    )
    .addHelpText(
      "after",
      `
On SIGTERM or Ctrl+C it takes no more jobs, waits for those that run until the app's background.drainTimeout
(25 s unless set), aborts the rest and gives them back at once. A second signal ends it at once.

Examples:
  $ afterword worker app.ts
  $ afterword worker app.ts --queues mail --concurrency 50`,
    )
    .action(runWorker);
}

async function runWorker(file: string, { queues, concurrency, lease }: Options): Promise<void> {
  const app = await loadApp(file);
  if (!app.broker.isDurable)
    throw new CliError(
      `The app of ${file} keeps its jobs in memory, where no other process can get them. Give it a broker, such as new App({ broker: sqlite("tasks.db") }), or set AFTERWORD_BROKER=sqlite:tasks.db.`,
    );
  await app.open({
    ...(concurrency !== undefined && { concurrency }),
    ...(lease !== undefined && { lease }),
    ...(queues && { queues }),
  });
  closeOnSignals(() => app.close(), app.background.logTo);
  setInterval(() => {}, 2 ** 30); // Until a signal comes.
  const served = queues ?? queuesOfTasks();
  console.log(
    `Worker ready: up to ${app.slots} jobs at a time of ${served.length === 1 ? "queue" : "queues"} ${served.join(", ")}, on ${app.broker.name}. Ctrl+C stops it.`,
  );
}

function toDuration(text: string): number {
  try {
    return parseDuration(text as Duration, "--lease");
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

export function toNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them: default,mail");
  return names;
}

export function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("Expected a whole number of 1 or more.");
  return count;
}
