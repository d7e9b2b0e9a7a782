import { AfterwordError } from "../../internal/afterword-error.ts";
import type { Core } from "./core.ts";
import { isBusy, toFailure, type Failure } from "./sqlite-error.ts";
import { isUpkeepDue, upkeep } from "./upkeep.ts";
import { readVerbs, verbs, type Operation } from "./verbs.ts";

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
  core.now = Date.now();
  const isRead = operations.every(({ verb }) => readVerbs.has(verb));
  let isDue = false;
  let isCommitting = false;
  try {
    isDue = mayUpkeep && isUpkeepDue(core);
    db.exec(isRead && !isDue ? "BEGIN" : "BEGIN IMMEDIATE");
    try {
      if (isDue) upkeep(core);
      const results = operations.map((operation) => execute(core, operation));
      isCommitting = true;
      db.exec("COMMIT");
      return { results, changed: core.changed };
    } catch (error) {
      rollBack(core);
      throw error;
    }
  } catch (error) {
    // What cannot be written can perhaps be read.
    if (isRead && isDue && !isBusy(error)) return executeBatch(core, operations, file, false);
    if (operations.length > 1 && !isCommitting && !isBusy(error)) return executeEach(core, operations, file);
    const failure = toFailure(error, file, isCommitting);
    return { results: operations.map(() => ({ failure })), changed: [] };
  }
}

function execute(core: Core, { verb, request }: Operation): Result {
  try {
    return { value: (verbs[verb] as (core: Core, request: unknown) => unknown)(core, request) };
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
    db.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}
