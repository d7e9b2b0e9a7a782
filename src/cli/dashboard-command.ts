import { InvalidArgumentError, Option, type Command } from "commander";
import { basic } from "../security/basic.ts";
import { bearer } from "../security/bearer.ts";
import { constantTimeEqual } from "../security/constant-time-equal.ts";
import { dashboard } from "../dashboard/index.ts";
import { isLoopback } from "../dashboard/peer.ts";
import { dependency, type Dependency } from "../dependencies/dependency.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { listen } from "./listen.ts";
import { findBroker, withBrokerOptions, type BrokerOptions } from "./open-client.ts";
import { toPort } from "./server-options.ts";

interface Options extends BrokerOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly readOnly?: boolean;
}

const minToken = 12;

/** `afterword dashboard` */
export function addDashboardCommand(program: Command): void {
  withBrokerOptions(
    program.command("dashboard").description("Serves a page on which people see and change the jobs of a broker."),
  )
    .option("-H, --host <address>", "where to listen; anything but this machine itself needs --token", "127.0.0.1")
    .option("-p, --port <n>", "the port; 0 takes a free one", toPort, 8_001)
    .addOption(
      new Option("--token <text>", "the password that a browser asks for, whatever the name; or a bearer token")
        .env("AFTERWORD_DASHBOARD_TOKEN")
        .argParser(toToken),
    )
    .option("--read-only", "it only shows, and changes nothing")
    .addHelpText(
      "after",
      `
Without a token it answers this machine alone, and no proxy.

Examples:
  $ afterword dashboard --broker sqlite:tasks.db
  $ AFTERWORD_BROKER=postgres://127.0.0.1/app afterword dashboard --read-only
  $ AFTERWORD_DASHBOARD_TOKEN=… afterword dashboard --broker redis://redis:6379 --host 0.0.0.0`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { host, port, token, readOnly = false } = options;
  if (!token && host !== "localhost" && !isLoopback(host))
    throw new CliError(
      `On ${host} others could reach it. Say who may use it: --token, or better the environment variable AFTERWORD_DASHBOARD_TOKEN.`,
      exitCodes.usage,
    );
  const broker = await findBroker(options);
  const app = dashboard({ broker, readOnly, ...(token ? { auth: withToken(token) } : {}) });
  const { url } = await listen(app, "the dashboard", { host, port, proxyHeaders: false });
  console.log(`Dashboard of ${broker.name} at ${url}/  ·  Ctrl+C stops it`);
}

function withToken(token: string): Dependency<unknown> {
  return dependency(
    { login: basic({ optional: true }), bearer: bearer({ optional: true }) },
    ({ login, bearer: given = login?.password }) => {
      if (given === undefined || !constantTimeEqual(given, token))
        throw new HTTPException(401, "The password is the token of the dashboard; the name does not matter.", {
          "www-authenticate": 'Basic realm="Afterword dashboard", charset="UTF-8"',
        });
    },
  );
}

function toToken(text: string): string {
  if (text !== "" && text.length < minToken)
    throw new InvalidArgumentError(`Expected ${minToken} characters or more: others may guess.`);
  return text;
}
