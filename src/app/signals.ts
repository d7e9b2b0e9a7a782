import type { CloseReport } from "../background/close-report.ts";
import type { Log } from "../internal/log.ts";
import { logLosses } from "./log-losses.ts";

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * On SIGTERM or SIGINT: closes, tells what was lost, and ends the process, with exit code 0 if all was well and 1
 * otherwise. On a second signal ends it at once.
 *
 * @returns removes the handlers
 */
export function closeOnSignals(close: () => Promise<CloseReport>, log: Log): () => void {
  let isClosing = false;
  const onSignal = (): void => {
    if (isClosing) process.exit(1);
    isClosing = true;
    close().then(
      (report) => {
        logLosses(report, log);
        process.exit(report.ok ? 0 : 1);
      },
      (error: unknown) => {
        log.error("Closing the server failed", { err: error });
        process.exit(1);
      },
    );
  };
  const remove = (): void => {
    // The handlers stay until the process ends if a signal started the closing, so that a second one is noticed.
    if (!isClosing) for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return remove;
}
