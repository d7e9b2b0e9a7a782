import { AfterwordError } from "../../internal/afterword-error.ts";
import { beginWriting } from "./begin-writing.ts";
import type { Core } from "./core.ts";
import { settleParts } from "./parts.ts";
import { isBroken, isBusy, toFailure, type Failure } from "./sqlite-error.ts";
import { isUpkeepDue, upkeep } from "./upkeep.ts";
import { readVerbs, verbs, type Operation, type VerbRequest, type VerbResult } from "./verbs.ts";

/** What became of one operation. */
export type Result = { readonly value: unknown } | { readonly failure: Failure };

/** What became of a batch: one result for each operation, in order. */
export interface Executed {
  readonly results: readonly Result[];
  /** The ids of the jobs that were changed. */
  readonly changed: readonly string[];
}

/**
 * Carries out operations in one transaction, so that they share one sync of the disk. If one of them cannot be done for a
 * reason of its own, each has a transaction of its own.
 */
export function executeBatch(core: Core, operations: readonly Operation[], file: string, mayUpkeep = true): Executed {
  const { db } = core;
  core.changed = [];
  core.endedParts = [];
  core.tallies.forget();
  core.now = Date.now();
  const isRead = operations.every(({ verb }) => readVerbs.has(verb));
  let isDue = false;
  let isCommitting = false;
  try {
    isDue = mayUpkeep && isUpkeepDue(core);
    if (isRead && !isDue) db.run("BEGIN");
    else {
      beginWriting(db);
      // Leases and rates are counted from when it was this connection's turn, for which it may have waited.
      core.now = Date.now();
    }
    try {
      if (isDue) {
        upkeep(core);
        settleParts(core);
      }
      const results = executeAll(core, operations);
      core.tallies.store();
      isCommitting = true;
      db.run("COMMIT");
      return { results, changed: core.changed };
    } catch (error) {
      rollBack(core);
      throw error;
    }
  } catch (error) {
    if (isBroken(error)) core.isBroken = true;
    // What cannot be written can perhaps be read.
    if (isRead && isDue && !isBusy(error)) return executeBatch(core, operations, file, false);
    if (operations.length > 1 && !isCommitting && !isBusy(error)) return executeEach(core, operations, file);
    const failure = toFailure(error, file, isCommitting);
    return { results: operations.map(() => ({ failure })), changed: [] };
  }
}

function executeAll(core: Core, operations: readonly Operation[]): readonly Result[] {
  const results: Result[] = [];
  for (let index = 0; index < operations.length;) {
    const count = core.maxQueued === undefined ? joinable(operations, index) : 1;
    if (count < 2) results.push(execute(core, operations[index]!));
    else results.push(...enqueueTogether(core, operations.slice(index, index + count)));
    index += Math.max(1, count);
  }
  return results;
}

/** How many operations from here on store jobs that wait for no others. */
function joinable(operations: readonly Operation[], start: number): number {
  let end = start;
  for (; end < operations.length; end++) {
    const { verb, request } = operations[end]!;
    if (verb !== "enqueue" || (request as VerbRequest<"enqueue">).some(({ after }) => after !== undefined)) break;
  }
  return end - start;
}

function enqueueTogether(core: Core, operations: readonly Operation[]): Result[] {
  const requests = operations.map(({ request }) => request as VerbRequest<"enqueue">);
  const { value } = execute(core, { verb: "enqueue", request: requests.flat() }) as { value: VerbResult<"enqueue"> };
  // The same object for all: it crosses from the thread once.
  const asGiven: Result = { value };
  if (value === "as given") return requests.map(() => asGiven);
  let end = 0;
  return requests.map(({ length }) => ({ value: value.slice(end, (end += length)) }));
}

function execute(core: Core, { verb, request }: Operation): Result {
  try {
    const value = (verbs[verb] as (core: Core, request: unknown) => unknown)(core, request);
    if (core.endedParts.length > 0) settleParts(core);
    return { value };
  } catch (error) {
    // Ours are thrown before anything was changed.
    if (error instanceof AfterwordError) return { failure: { code: error.code, message: error.message } };
    throw error;
  }
}

function executeEach(core: Core, operations: readonly Operation[], file: string): Executed {
  const all = operations.map((operation) => executeBatch(core, [operation], file));
  return { results: all.flatMap(({ results }) => results), changed: all.flatMap(({ changed }) => changed) };
}

function rollBack({ db }: Core): void {
  try {
    db.run("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}
