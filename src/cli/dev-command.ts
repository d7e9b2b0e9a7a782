import type { Command } from "commander";
import { assertFileExists } from "./load-app.ts";
import { runDevServer } from "./dev/dev-server.ts";
import { withServerOptions } from "./server-options.ts";

/** `afterword dev app.ts` */
export function addDevCommand(program: Command): void {
  withServerOptions(
    program.command("dev").description("Serves an app, and again after each change of its files. For development."),
    "127.0.0.1",
    ["AFTERWORD_PORT"],
  )
    .addHelpText(
      "after",
      `
It reloads when a file that the app has loaded is saved, replaced or deleted, or one that it missed is made; also .env.
What packages and the app itself write changes nothing. Before a reload, background tasks end as they do on SIGTERM,
within the app's background.drainTimeout; responses that stream on are cut after a second. A mistake is shown, and
mended by the next save.

Ctrl+C ends it when the tasks have ended, a second one at once.

Exit codes: 0 it was stopped, 1 it could not start or tasks were lost, 2 the command line was wrong.

Examples:
  $ afterword dev app.ts
  $ afterword dev src/app.ts --port 3000`,
    )
    .action(async (file: string, options: { readonly host: string; readonly port: number }) => {
      assertFileExists(file);
      process.exitCode = await runDevServer({ file, ...options });
    });
}
