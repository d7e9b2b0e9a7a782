import type { Log } from "../internal/log.ts";
import type { TaskReport } from "./background-events.ts";
import { logJobReport } from "./job-report.ts";

/** Writes one trouble of an app to the log: what `onError` does by default. */
export function logReport(log: Log, error: unknown, report: TaskReport): void {
  const { kind, name, id, args, requestId } = report;
  const request = requestId === undefined ? "" : `, request ${requestId}`;
  switch (kind) {
    case "task":
      return log.error(`Background task "${name}" failed (called with ${args || "no arguments"}${request})`, {
        err: error,
        kind,
        task: name,
        taskId: id,
        requestId,
      });
    case "cleanup":
      return log.error(`Clean-up of ${name} failed (after the response${request})`, {
        err: error,
        kind,
        cleanup: name,
        requestId,
      });
    case "stream":
      return log.error(`The body of the response to ${name} failed, and its connection was cut${request}`, {
        err: error,
        kind,
        route: name,
        requestId,
      });
    case "job":
    case "broker":
    case "thread":
      return logJobReport(log, error, { attempt: 0, attempts: 0, retryInMs: undefined, ...report, kind });
  }
}
