import { Option, type Command } from "commander";
import { listen } from "./listen.ts";
import { assertFileExists, loadApp } from "./load-app.ts";
import { runFleet } from "./run/run-fleet.ts";
import { isOnInEnvironment, withServerOptions } from "./server-options.ts";
import { toCount } from "./worker-command.ts";

interface RunOptions {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly proxyHeaders?: boolean;
}

/** `afterword run app.ts` */
export function addRunCommand(program: Command): void {
  withServerOptions(
    program.command("run").description("Serves an app, in one process or several. For production."),
    "0.0.0.0",
    ["AFTERWORD_PORT", "PORT"],
  )
    .addOption(
      new Option("-w, --workers <n>", "how many processes share the port")
        .env("AFTERWORD_WORKERS")
        .default(1)
        .argParser((text, known: number) => (text === "" ? known : toCount(text))),
    )
    .option(
      "--proxy-headers",
      "trust X-Forwarded-Proto and -Host; only behind a proxy that sets them (env: AFTERWORD_PROXY_HEADERS)",
    )
    .option("--no-proxy-headers", "do not, whatever the environment says")
    .addHelpText(
      "after",
      `
Without AFTERWORD_PORT, the environment's PORT counts. Flags win.

With several workers each process opens the app, its lifespan included, and one that dies is replaced. Named tasks
need a broker that they can share, such as AFTERWORD_BROKER=sqlite:tasks.db.

On SIGTERM or Ctrl+C it takes no more connections, lets responses and background tasks end within the app's
background.drainTimeout (25 s unless set), and ends. A second signal ends it at once.

Exit codes: 0 all went well, 1 it could not start or something was lost, 2 the command line was wrong.

Examples:
  $ afterword run app.ts
  $ afterword run app.ts --port 80 --workers 4 --proxy-headers
  $ AFTERWORD_WORKERS=4 AFTERWORD_BROKER=sqlite:tasks.db afterword run app.ts`,
    )
    .action(run);
}

async function run(file: string, options: RunOptions): Promise<void> {
  const { host, port, workers: processes } = options;
  const proxyHeaders = options.proxyHeaders ?? isOnInEnvironment("AFTERWORD_PROXY_HEADERS");
  assertFileExists(file);
  if (processes > 1) {
    process.exitCode = await runFleet({ file, host, port, proxyHeaders, processes, tellsFiles: false });
    return;
  }
  const app = await loadApp(file);
  const { url } = await listen(app, file, { host, port, proxyHeaders });
  console.log(`Serving at ${url} in process ${process.pid}. Ctrl+C stops it.`);
}
