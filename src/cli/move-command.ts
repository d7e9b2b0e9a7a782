import type { Command } from "commander";
import { brokerFromUrl } from "../brokers/from-url.ts";
import type { Broker } from "../tasks/broker.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { moveQueue, type MoveReport } from "./move-jobs.ts";
import { toNames } from "./worker-command.ts";

interface MoveOptions {
  readonly from: string;
  readonly to: string;
  readonly queues?: readonly string[];
}

/** `afterword tasks move` */
export function addMoveCommand(tasks: Command): void {
  tasks
    .command("move")
    .description("Moves waiting jobs from one broker to another, without losing or doubling one.")
    .requiredOption("--from <url>", "the broker that has them, such as sqlite:tasks.db")
    .requiredOption("--to <url>", "the broker that is to have them")
    .option("-q, --queues <names>", "of these queues, with commas (default: all)", toNames)
    .addHelpText(
      "after",
      `
The queues are held at both brokers until their jobs are moved: nothing is handed out meanwhile. Jobs keep their ids,
options and order; delays go on. Jobs that run end where they are, and so do flows that have begun; jobs that have
ended stay. First let the app store its jobs at the new broker, then move; run it again for what comes late. If it is
cut off, run it again.

Example:
  $ afterword tasks move --from sqlite:tasks.db --to sqlite:/var/lib/app/tasks.db`,
    )
    .action(move);
}

async function move({ from, to, queues }: MoveOptions): Promise<void> {
  const [source, target] = [toBroker(from, "--from"), toBroker(to, "--to")];
  if (from === to) throw new CliError("--from and --to name the same broker.", exitCodes.usage);
  await source.open();
  try {
    await target.open();
    const known = (await source.counts()).map(({ queue }) => queue);
    const missing = queues?.find((queue) => !known.includes(queue));
    if (missing !== undefined)
      throw new CliError(`There is no queue ${missing} at ${from}. There are ${known.join(", ") || "none"}.`);
    for (const queue of queues ?? known) console.log(describeMove(queue, await moveQueue(source, target, queue)));
  } finally {
    await source.close();
    await target.close();
  }
}

function toBroker(url: string, option: string): Broker {
  if (url.startsWith("memory"))
    throw new CliError(`${option}: jobs on memory can only be seen by their own process.`, exitCodes.usage);
  try {
    return brokerFromUrl(url, option);
  } catch (error) {
    throw new CliError((error as Error).message, exitCodes.usage);
  }
}

function describeMove(queue: string, { moved, merged, kept, running }: MoveReport): string {
  const notes = [
    merged > 0 && `${merged} were there already, by their unique keys`,
    kept.length > 0 &&
      `${kept.length} stay, of flows that have begun: ${kept.slice(0, 5).join(" ")}${kept.length > 5 ? " …" : ""}`,
    running > 0 && `${running} run still and end where they are`,
  ].filter((note) => note !== false);
  return `${queue}: ${moved} ${moved === 1 ? "job" : "jobs"} moved${notes.length > 0 ? `; ${notes.join("; ")}` : ""}.`;
}
