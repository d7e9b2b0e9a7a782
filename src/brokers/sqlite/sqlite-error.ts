import { AfterwordError } from "../../internal/afterword-error.ts";
import { StoreError } from "../../tasks/store-error.ts";

/** A failure as plain data: it crosses from the thread. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Result codes of SQLite, https://www.sqlite.org/rescode.html, without their extended parts. */
const codes = { busy: 5, locked: 6, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const;

function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

/** Whether another program had the file for too long: whoever tries again now waits as long again. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.busy || code === codes.locked;
}

/** Whether the connection may be of no use any more, though another one may be. */
export function isBroken(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.ioerr || code === codes.corrupt || code === codes.cantopen || code === codes.notadb;
}

/** What went wrong and how to mend it. */
function explain(error: unknown, file: string): string {
  switch (codeOf(error)) {
    case codes.busy:
    case codes.locked:
      return `${file} is locked by another program for too long. Close what holds a transaction open on it.`;
    case codes.readonly:
      return `${file} cannot be written to. Give the process the right to write to the file and its folder, or name another file.`;
    case codes.full:
      return `The disk of ${file} is full. Make room; nothing has to be restarted.`;
    case codes.ioerr:
      return `${file} could not be read or written: ${messageOf(error)}. Look at the disk, and whether the file was removed.`;
    case codes.corrupt:
      return `${file} is damaged: ${messageOf(error)}. Restore a backup, or save what can be read with: sqlite3 ${file} .recover`;
    case codes.cantopen:
      return `${file} cannot be opened. Its folder must exist, and the process must have the right to write there.`;
    case codes.notadb:
      return `${file} is no SQLite database. Name another file, or move this one away.`;
    default:
      return `${file} could not be used: ${messageOf(error)}.`;
  }
}

/** The failure of a verb: what is known of whether it was done. */
export function toFailure(error: unknown, file: string, hasCommitFailed: boolean): Failure {
  if (error instanceof AfterwordError) return { code: error.code, message: error.message };
  const code = codeOf(error);
  // A full disk or a lock is noticed before anything is final; after a failed sync nobody knows.
  const isDefinite = !hasCommitFailed || code === codes.full || code === codes.busy || code === codes.readonly;
  return { code: isDefinite ? "not_stored" : "maybe_stored", message: explain(error, file) };
}

/** The failure to open the file. */
export function toOpenFailure(error: unknown, file: string): Failure {
  if (error instanceof AfterwordError) return { code: error.code, message: error.message };
  return { code: "broker_open_failed", message: explain(error, file) };
}

/** The error that callers get. */
export function toError({ code, message }: Failure): AfterwordError {
  return code === "not_stored" || code === "maybe_stored" || code === "queue_full" || code === "broker_closed"
    ? new StoreError(code, message)
    : new AfterwordError(code, message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
