import type { Command } from "commander";
import { brokerFromUrl } from "../brokers/from-url.ts";
import type { Broker } from "../tasks/broker.ts";
import { Client } from "../tasks/client.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { loadApp } from "./load-app.ts";

/** Which broker to ask. */
export interface BrokerOptions {
  readonly broker?: string;
  readonly app?: string;
}

/** Adds the options that say which broker to ask. */
export function withBrokerOptions(command: Command): Command {
  return command
    .option(
      "-b, --broker <url>",
      "the broker, such as sqlite:tasks.db (default: the environment variable AFTERWORD_BROKER)",
    )
    .option("-a, --app <file>", "the file that exports the app whose broker to ask");
}

/** Calls `use` with a client of the broker that was named, and closes it. */
export async function withClient<T>(options: BrokerOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ broker: await findBroker(options) });
  try {
    await client.open();
    return await use(client);
  } finally {
    await client.close();
  }
}

/** @throws {CliError} when none was named, or it cannot be asked from here */
export async function findBroker({ broker, app }: BrokerOptions): Promise<Broker> {
  const url = broker ?? (app === undefined ? process.env.AFTERWORD_BROKER : undefined);
  if (url) {
    if (url.startsWith("memory"))
      throw new CliError("Jobs on memory can only be seen by their own process.", exitCodes.usage);
    try {
      return brokerFromUrl(url, broker === undefined ? "AFTERWORD_BROKER" : "--broker");
    } catch (error) {
      throw new CliError((error as Error).message, exitCodes.usage);
    }
  }
  if (app === undefined)
    throw new CliError(
      "Which broker? Say --broker sqlite:tasks.db, or --app app.ts, or set AFTERWORD_BROKER.",
      exitCodes.usage,
    );
  const found = (await loadApp(app)).broker;
  if (!found.isDurable)
    throw new CliError(`The app of ${app} keeps its jobs in memory, where only its own process can see them.`);
  return found;
}
