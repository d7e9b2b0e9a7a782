import type { CloseReport } from "../background/close-report.ts";
import { formatDuration } from "../internal/duration.ts";

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * On SIGTERM or SIGINT: closes, tells what was lost, and ends the process, with exit code 0 if all was well and 1
 * otherwise. On a second signal ends it at once.
 *
 * @returns removes the handlers
 */
export function closeOnSignals(close: () => Promise<CloseReport>): () => void {
  let isClosing = false;
  const onSignal = (): void => {
    if (isClosing) process.exit(1);
    isClosing = true;
    close().then(
      (report) => {
        printLosses(report);
        process.exit(report.ok ? 0 : 1);
      },
      (error: unknown) => {
        console.error("Closing the server failed:", error);
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

function printLosses({ lost, connectionsCut, errors, durationMs }: CloseReport): void {
  if (connectionsCut > 0)
    console.error(
      `${connectionsCut} ${connectionsCut === 1 ? "connection was" : "connections were"} cut at shutdown, because the response had not ended within ${formatDuration(durationMs)}.`,
    );
  for (const { name, id, requestId, wasRunning } of lost)
    console.error(
      `Lost at shutdown: background task "${name}" (${wasRunning ? "was running" : "had not started"}, id ${id}${requestId === undefined ? "" : `, request ${requestId}`}).`,
    );
  for (const error of errors) console.error("The clean-up of the lifespan failed:", error);
}
