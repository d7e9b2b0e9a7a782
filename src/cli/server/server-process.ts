// The program of a process that serves an app for a supervisor: afterword dev, or afterword run with several workers.
import cluster from "node:cluster";
import type { App } from "../../app/app.ts";
import type { RunningServer } from "../../app/serve.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { describeError } from "../describe-error.ts";
import { tellLoadedFiles } from "../dev/loaded-files.ts";
import { listen } from "../listen.ts";
import { loadApp } from "../load-app.ts";
import { logLosses } from "../../app/log-losses.ts";
import { assertJobsAreShared } from "./assert-jobs-are-shared.ts";
import { isOurs, type FromServer, type ServerSettings } from "./messages.ts";
import { tellWaiting } from "./tell-waiting.ts";

const { file, host, port, proxyHeaders, processes, tellsFiles } = JSON.parse(process.argv[2]!) as ServerSettings;
let isClosing = false;
/** What closing is at this time. While the app is loaded, there is nothing to lose. */
let close = (): void => process.exit(exitCodes.ok);

// Else Node ends a worker at once when its primary has died, with all that it does.
if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
// A terminal signals every process of its group, and so do some service managers: the first time counts, and the supervisor
// alone knows of a second one.
process.on("SIGTERM", closeOnce);
process.on("SIGINT", closeOnce);
process.on("disconnect", closeOnce);
// The app may have handlers for the signal as well.
process.on("message", (message) => isOurs(message) && !isClosing && process.emit("SIGTERM", "SIGTERM"));
if (tellsFiles) tellLoadedFiles((path, fingerprint) => tell({ afterword: "loaded", path, fingerprint }));
try {
  await start();
} catch (error) {
  const message = error instanceof CliError ? error.message : describeError(error);
  tell({ afterword: "failed", message }, () => process.exit(exitCodes.failed));
}

async function start(): Promise<void> {
  const app = await loadApp(file);
  assertJobsAreShared(app, file, processes);
  close = () => {}; // It is done below, when what is half open is open.
  const server = await listen(app, file, { host, port, proxyHeaders, signals: false });
  close = () => void closeServer(app, server);
  if (isClosing) return close();
  const docsPath = app.docsPath ?? app.redocPath ?? app.openapiPath;
  const { drainTimeoutMs } = app.background.config;
  tell({ afterword: "ready", url: server.url, port: server.port, docsPath, drainTimeoutMs });
}

function closeOnce(): void {
  if (isClosing) return;
  isClosing = true;
  close();
}

async function closeServer(app: App, server: RunningServer): Promise<void> {
  tellWaiting(app, processes, tell);
  try {
    // Whoever reloads does not want to wait for the stream of an open page.
    const report = await server.close(tellsFiles ? { responsesTimeout: "1s" } : {});
    logLosses(report, app.background.logTo);
    const isOk = tellsFiles ? report.lost.length === 0 && report.errors.length === 0 : report.ok;
    process.exit(isOk ? exitCodes.ok : exitCodes.failed);
  } catch (error) {
    app.background.logTo.error("Closing the server failed", { err: error });
    process.exit(exitCodes.failed);
  }
}

function tell(message: FromServer, then: () => void = () => {}): void {
  if (process.connected) process.send!(message, undefined, undefined, then);
  else then();
}
