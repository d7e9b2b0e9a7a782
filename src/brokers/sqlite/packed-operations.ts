import type { JobInsert, JobKind } from "./job-insert.ts";
import type { Operation, VerbRequest } from "./verbs.ts";

/**
 * Operations as they cross to the thread. To clone an object for each job costs several times as much as to store it, arrays of
 * texts cost hardly anything: so jobs that need nothing but their row stand in columns.
 */
export interface PackedOperations {
  /** A number stands for an `enqueue` of so many of the next jobs. */
  readonly operations: readonly (Operation | number)[];
  readonly ids: readonly string[];
  readonly args: readonly string[];
  readonly metas: readonly string[];
  /** For each job, which of `kinds` it is. */
  readonly kindIndexes: readonly number[];
  readonly kinds: readonly JobKind[];
}

export function packOperations(operations: readonly Operation[]): PackedOperations {
  const ids: string[] = [];
  const args: string[] = [];
  const metas: string[] = [];
  const kindIndexes: number[] = [];
  const kinds: JobKind[] = [];
  const packed = operations.map((operation) => {
    if (operation.verb !== "enqueue") return operation;
    const jobs = operation.request as VerbRequest<"enqueue">;
    if (!jobs.every(({ uniqueKey, after }) => uniqueKey === undefined && after === undefined)) return operation;
    for (const job of jobs) {
      ids.push(job.id);
      args.push(job.args);
      metas.push(job.meta);
      if (kinds.at(-1) !== job.kind) kinds.push(job.kind);
      kindIndexes.push(kinds.length - 1);
    }
    return jobs.length;
  });
  return { operations: packed, ids, args, metas, kindIndexes, kinds };
}

export function unpackOperations({ operations, ids, args, metas, kindIndexes, kinds }: PackedOperations): Operation[] {
  let next = 0;
  const toJob = (): JobInsert => {
    const index = next++;
    const kind = kinds[kindIndexes[index]!]!;
    return { id: ids[index]!, args: args[index]!, meta: metas[index]!, uniqueKey: undefined, after: undefined, kind };
  };
  return operations.map((operation) =>
    typeof operation === "number" ? { verb: "enqueue", request: Array.from({ length: operation }, toJob) } : operation,
  );
}
