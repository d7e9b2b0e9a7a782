import { readFileSync } from "node:fs";
import { Command, type CommanderError } from "commander";
import { manifestFile } from "../internal/own-files.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { addDashboardCommand } from "./dashboard-command.ts";
import { addDevCommand } from "./dev-command.ts";
import { addOpenapiCommand } from "./openapi-command.ts";
import { addRunCommand } from "./run-command.ts";
import { addTasksCommand } from "./tasks-command.ts";
import { addWorkerCommand } from "./worker-command.ts";

/** The command line, as `afterword --help` describes it. */
export function createProgram(): Command {
  const program = new Command("afterword")
    .description("Serves an Afterword app, runs its named tasks, and inspects them.")
    .version(version(), "-V, --version", "prints the version")
    .helpOption("-h, --help", "shows help; afterword <command> --help shows that of a command")
    .showHelpAfterError("(add --help for what there is)")
    .addHelpText(
      "after",
      `
Examples:
  $ afterword dev app.ts
  $ afterword run app.ts --port 80 --workers 4
  $ afterword openapi app.ts -o openapi.json
  $ afterword worker app.ts --queues default,mail --concurrency 16
  $ afterword tasks counts --broker sqlite:tasks.db
  $ afterword tasks list --status failed --app app.ts
  $ afterword dashboard --broker sqlite:tasks.db

Exit codes: 0 all went well, 1 something failed or was lost, 2 the command line was wrong.`,
    );
  addDevCommand(program);
  addRunCommand(program);
  addOpenapiCommand(program);
  addWorkerCommand(program);
  addTasksCommand(program);
  addDashboardCommand(program);
  exitWithUsageCode(program);
  return program;
}

/** Commander would end the process itself, with code 1. */
function exitWithUsageCode(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    throw new CliError("", error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
  });
  for (const child of command.commands) exitWithUsageCode(child);
}

function version(): string {
  return (JSON.parse(readFileSync(manifestFile, "utf8")) as { version: string }).version;
}
