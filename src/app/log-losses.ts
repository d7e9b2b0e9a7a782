import type { CloseReport } from "../background/close-report.ts";
import { formatDuration } from "../internal/duration.ts";
import type { Log } from "../internal/log.ts";

/** Tells what an app that has closed did not keep. */
export function logLosses({ lost, connectionsCut, errors, durationMs }: CloseReport, log: Log): void {
  if (connectionsCut > 0)
    log.error(
      `${connectionsCut} ${connectionsCut === 1 ? "connection was" : "connections were"} cut at shutdown, because the response had not ended within ${formatDuration(durationMs)}`,
      { connectionsCut, durationMs },
    );
  for (const { name, id, requestId, wasRunning } of lost)
    log.error(
      `Lost at shutdown: background task "${name}" (${wasRunning ? "was running" : "had not started"}, id ${id}${requestId === undefined ? "" : `, request ${requestId}`})`,
      { task: name, taskId: id, requestId, wasRunning },
    );
  for (const error of errors) log.error("The clean-up of the lifespan failed", { err: error });
}
