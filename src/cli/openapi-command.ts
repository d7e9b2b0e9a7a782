import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { App } from "../app/app.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { describeError } from "./describe-error.ts";
import { loadApp } from "./load-app.ts";

/** `afterword openapi app.ts` */
export function addOpenapiCommand(program: Command): void {
  program
    .command("openapi")
    .description("Prints the OpenAPI document of an app, without starting it.")
    .argument("<app>", "the file that exports the app, such as app.ts; TypeScript runs as it is")
    .option("-o, --output <file>", "writes it to this file instead")
    .addHelpText(
      "after",
      `
Standard output has the document and nothing else: what the app prints while it is loaded goes to standard error.

Exit codes: 0 all went well, 1 the app could not be loaded or described, 2 the command line was wrong.

Examples:
  $ afterword openapi app.ts > openapi.json
  $ afterword openapi app.ts -o openapi.json
  $ afterword openapi app.ts | npx openapi-typescript`,
    )
    .action(printDocument);
}

async function printDocument(file: string, { output }: { readonly output?: string }): Promise<void> {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  const text = `${JSON.stringify(describe(await loadApp(file), file), undefined, 2)}\n`;
  if (output !== undefined) {
    await writeFile(output, text).catch((error: Error) => {
      throw new CliError(`${output} could not be written: ${error.message}.`);
    });
    process.exit(exitCodes.ok);
  }
  // A reader that has enough, such as head, is no mistake.
  stdout.on("error", () => process.exit(exitCodes.ok));
  // The app may have begun something that would keep this process alive.
  write(text, () => process.exit(exitCodes.ok));
}

function describe(app: App, file: string): object {
  try {
    return app.openapi();
  } catch (error) {
    throw new CliError(`${describeError(error)}\n\nThe app of ${file} could not be described: see above.`);
  }
}
