import { createInterface } from "node:readline/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { parseDuration, type Duration } from "../internal/duration.ts";
import type { QueueCounts } from "../tasks/broker.ts";
import type { Client } from "../tasks/client.ts";
import { finalStatuses, jobStatuses, type FinalStatus, type Job, type JobStatus } from "../tasks/job.ts";
import { toJobInfo } from "../tasks/job-info.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { withBrokerOptions, withClient, type BrokerOptions } from "./open-client.ts";
import { addMoveCommand } from "./move-command.ts";
import { showJob } from "./show-job.ts";
import { formatTable, formatWhen, toLine } from "./table.ts";
import { toCount } from "./worker-command.ts";

interface FilterOptions extends BrokerOptions {
  readonly status?: readonly JobStatus[];
  readonly queue?: string;
  readonly task?: string;
  readonly search?: string;
  readonly json?: boolean;
}

/** So many jobs are fetched at once. */
const pageSize = 200;

/** `afterword tasks …` */
export function addTasksCommand(program: Command): void {
  const tasks = program
    .command("tasks")
    .description("Shows and changes the jobs of a broker.")
    .addHelpText(
      "after",
      `
Examples:
  $ afterword tasks counts --broker sqlite:tasks.db
  $ afterword tasks list --status failed --task send-mail
  $ afterword tasks show 0198f0c2-…
  $ afterword tasks retry --all --task send-mail     all failed jobs of send-mail are queued again
  $ afterword tasks purge --status succeeded --older-than 1d`,
    );
  add(tasks, "counts", "How many jobs each queue has in each state.")
    .option("--json", "one JSON array")
    .action((options: BrokerOptions & { json?: boolean }) =>
      withClient(options, (client) => printCounts(client, options)),
    );
  withFilter(add(tasks, "list", "Lists jobs, newest first."))
    .option("-n, --limit <n>", "at most so many", toCount, 20)
    .option("--json", "one JSON object for each job, a line each")
    .action((options: FilterOptions & { limit: number }) =>
      withClient(options, (client) => printList(client, options)),
    );
  add(tasks, "show", "Shows everything about a job: arguments, errors of its attempts, progress, log, result.")
    .argument("<id>", "its id")
    .option("--json", "one JSON object")
    .action((id: string, options: BrokerOptions & { json?: boolean }) =>
      withClient(options, (client) => printJob(client, id, options)),
    );
  withFilter(add(tasks, "retry", "Queues failed, canceled or expired jobs again, with all their attempts."))
    .argument("[ids...]", "their ids")
    .option("--all", "all failed jobs that match the conditions, or those of another --status")
    .option("--yes", "do not ask before")
    .action((ids: string[], options: FilterOptions & { all?: boolean; yes?: boolean }) =>
      withClient(options, async (client) => {
        const chosen = await choose(client, ids, options, ["failed"], "queue again");
        report("queued again", chosen, await inParts(chosen, (part) => client.broker.retry({ ids: part })));
      }),
    );
  withFilter(add(tasks, "cancel", "Cancels jobs: those that wait never run, those that run are told to stop."))
    .argument("[ids...]", "their ids")
    .option("--all", "all scheduled and queued jobs that match the conditions, or those of another --status")
    .option("--reason <text>", "kept with the job", "canceled from the command line")
    .option("--yes", "do not ask before")
    .action((ids: string[], options: FilterOptions & { all?: boolean; yes?: boolean; reason: string }) =>
      withClient(options, async (client) => {
        const chosen = await choose(client, ids, options, ["scheduled", "queued"], "cancel");
        const results = await inParts(chosen, (part) => client.broker.cancel({ ids: part, reason: options.reason }));
        report(
          "canceled",
          chosen,
          results.map((result) => result === "canceled" || result === "requested"),
        );
      }),
    );
  add(tasks, "purge", "Forgets jobs that have ended.")
    .addOption(statusOption("which of them", finalStatuses).makeOptionMandatory())
    .option("-q, --queue <name>", "of this queue only")
    .option("-t, --task <name>", "of this task only")
    .option("--older-than <duration>", "only those that ended so long ago: 30m, 2h, 7d", toDuration)
    .option("--yes", "do not ask before")
    .action((options: FilterOptions & { olderThan?: number; yes?: boolean }) =>
      withClient(options, (client) => purge(client, options)),
    );
  add(tasks, "pause", "Holds a queue: nothing of it is handed out until it is resumed. What runs goes on.")
    .argument("<queue>", "its name")
    .action((queue: string, options: BrokerOptions) =>
      withClient(options, async (client) => {
        await client.broker.pause({ queue });
        console.log(`Queue ${queue} is held. afterword tasks resume ${queue} lets it go on.`);
      }),
    );
  add(tasks, "resume", "Lets a queue that was held go on.")
    .argument("<queue>", "its name")
    .action((queue: string, options: BrokerOptions) =>
      withClient(options, async (client) => {
        await client.broker.resume({ queue });
        console.log(`Queue ${queue} goes on.`);
      }),
    );
  addMoveCommand(tasks);
}

function add(parent: Command, name: string, description: string): Command {
  return withBrokerOptions(parent.command(name).description(description));
}

function withFilter(command: Command): Command {
  return command
    .addOption(statusOption("in these states", jobStatuses))
    .option("-q, --queue <name>", "of this queue")
    .option("-t, --task <name>", "of this task")
    .option("-s, --search <text>", "with this text in the arguments, the error or the id");
}

function statusOption(what: string, allowed: readonly string[]): Option {
  return new Option("--status <names>", `${what}, with commas: ${allowed.join(", ")}`).argParser((text: string) => {
    const names = text.split(",").map((name) => name.trim());
    const wrong = names.find((name) => !allowed.includes(name));
    if (wrong !== undefined)
      throw new InvalidArgumentError(`There is no ${JSON.stringify(wrong)}. There are ${allowed.join(", ")}.`);
    return names;
  });
}

function toDuration(text: string): number {
  try {
    return parseDuration(text as Duration, "--older-than");
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

async function printCounts(client: Client, { json }: { readonly json?: boolean }): Promise<void> {
  const counts = await client.broker.counts();
  if (json) return console.log(JSON.stringify(counts, undefined, 2));
  if (counts.length === 0) return console.log("No queues yet: nothing was stored.");
  const number = (status: JobStatus) => ({
    title: status,
    show: (row: QueueCounts) => String(row[status]),
    align: "right" as const,
  });
  console.log(
    formatTable(counts, [
      { title: "queue", show: ({ queue, isPaused }) => queue + (isPaused ? " (paused)" : "") },
      ...jobStatuses.map(number),
      { title: "oldest waits since", show: ({ oldestQueuedAt }) => formatWhen(oldestQueuedAt) },
    ]),
  );
}

async function printList(client: Client, options: FilterOptions & { readonly limit: number }): Promise<void> {
  const jobs: Job[] = [];
  for await (const job of find(client, options, options.status)) {
    if (options.json) console.log(JSON.stringify(toJobInfo(job)));
    jobs.push(job);
    if (jobs.length === options.limit) break;
  }
  if (options.json) return;
  if (jobs.length === 0) return console.log("No such jobs.");
  console.log(
    formatTable(jobs, [
      { title: "id", show: ({ id }) => id },
      { title: "task", show: ({ task }) => task },
      { title: "queue", show: ({ queue }) => queue },
      { title: "status", show: ({ status }) => status },
      { title: "attempt", show: ({ attempt, attempts }) => `${attempt}/${attempts}` },
      { title: "stored", show: ({ storedAt }) => formatWhen(storedAt) },
      { title: "", show: (job) => toLine(job.error?.message ?? job.reason ?? job.args, 60) },
    ]),
  );
}

async function* find(
  client: Client,
  options: FilterOptions,
  statuses: readonly JobStatus[] | undefined,
): AsyncGenerator<Job> {
  const { queue, task, search: text } = options;
  let after: string | undefined;
  do {
    const page = await client.broker.list({ filter: { statuses, queue, task, text }, limit: pageSize, after });
    yield* page.jobs;
    after = page.next;
  } while (after !== undefined);
}

async function printJob(client: Client, id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const job = await client.find(id);
  if (job === undefined) throw new CliError(`There is no job ${id} on ${client.broker.name}, or not any more.`);
  console.log(json ? JSON.stringify(toJobInfo(job), undefined, 2) : showJob(job));
}

/** The ids that were given, or with `--all` those of all jobs that match, if the user agrees. */
async function choose(
  client: Client,
  ids: readonly string[],
  options: FilterOptions & { readonly all?: boolean; readonly yes?: boolean },
  statuses: readonly JobStatus[],
  verb: string,
): Promise<readonly string[]> {
  if (ids.length > 0 === (options.all ?? false))
    throw new CliError(`Give the ids of the jobs, or --all with conditions such as --task send-mail.`, exitCodes.usage);
  if (ids.length > 0) return ids;
  const found: string[] = [];
  for await (const { id } of find(client, options, options.status ?? statuses)) found.push(id);
  await confirm(`${verb} ${found.length} ${found.length === 1 ? "job" : "jobs"}`, options.yes);
  return found;
}

async function inParts<T>(
  ids: readonly string[],
  change: (part: readonly string[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < ids.length; from += pageSize)
    results.push(...(await change(ids.slice(from, from + pageSize))));
  return results;
}

function report(what: string, ids: readonly string[], results: readonly boolean[]): void {
  const count = results.filter(Boolean).length;
  console.log(`${count} ${count === 1 ? "job" : "jobs"} ${what}.`);
  const others = ids.filter((_, index) => !results[index]);
  if (others.length > 0)
    throw new CliError(
      `${others.length} could not be ${what}, because of their state or because there is no such job: ${others.slice(0, 10).join(" ")}${others.length > 10 ? " …" : ""}`,
    );
}

async function purge(
  client: Client,
  options: FilterOptions & { readonly olderThan?: number; readonly yes?: boolean },
): Promise<void> {
  const statuses = options.status as readonly FinalStatus[];
  await confirm(
    `forget all jobs that are ${statuses.join(" or ")}${options.olderThan === undefined ? "" : " for long enough"}`,
    options.yes,
  );
  const { queue, task, olderThan: olderThanMs } = options;
  const count = await client.broker.purge({ statuses, queue, task, olderThanMs });
  console.log(`${count} ${count === 1 ? "job" : "jobs"} forgotten.`);
}

/** Asks before many jobs are changed; where nobody can answer, `--yes` is the answer. */
async function confirm(what: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new CliError(`This would ${what}. Add --yes to do it.`, exitCodes.usage);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`This will ${what}. Go on? [y/N] `);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("Nothing was changed.");
}
