import type { FinalStatus, JobErrorData } from "../../tasks/job.ts";
import { chordPartFailed, withResults } from "../pulled/part-results.ts";
import type { JobIndex } from "./job-index.ts";
import type { JobRecord } from "./job-record.ts";
import type { JobStates } from "./job-states.ts";

/** What a job has ended with. */
export interface Outcome {
  readonly status: FinalStatus;
  readonly result?: string | undefined;
  readonly error?: JobErrorData | undefined;
  readonly reason?: string | undefined;
}

/** Ends jobs, and leads on those that wait for them. */
export class Dependencies {
  readonly #index: JobIndex;
  readonly #states: JobStates;
  /** Ended, and not told to those that wait for them: a list and no recursion, since chains can be long. */
  #untold: JobRecord[] = [];
  #isTelling = false;

  constructor(index: JobIndex, states: JobStates) {
    this.#index = index;
    this.#states = states;
  }

  end(record: JobRecord, { status, result, error, reason }: Outcome, now: number): void {
    record.result = result;
    record.error = error && Object.freeze({ ...error });
    if (reason !== undefined) record.reason = reason;
    this.#states.end(record, status, now);
    this.#tell(record, now);
  }

  /** Nobody knows it any more: those that wait for it have failed. */
  forget(record: JobRecord, now: number): void {
    this.#states.forget(record);
    this.#tell(record, now);
  }

  /** Lets a job that waits for others find out how they are. */
  await(record: JobRecord, now: number): void {
    for (const id of record.after!.ids) {
      const part = this.#index.get(id);
      if (record.parts!.has(id)) continue;
      if (part?.status === "succeeded") record.parts!.set(id, part.result!);
      else if (part === undefined) return this.#fail(record, id, undefined, now);
      else (part.dependents ??= new Set()).add(record);
    }
    for (const id of record.after!.ids) {
      const part = this.#index.get(id);
      if (!record.parts!.has(id) && part?.isFinal) return this.#fail(record, id, part, now);
    }
    this.#goOn(record, now);
  }

  /** An ended job begins anew, and so do those that have failed because of it. */
  reopen(record: JobRecord, now: number): void {
    const reopened: JobRecord[] = [];
    const add = (each: JobRecord): void => {
      this.#index.takeKey(each);
      each.hasFailedByPart = false;
      reopened.push(each);
    };
    add(record);
    for (const each of reopened) {
      each.attempt = 0;
      each.deliveries = 0;
      each.endedAt = each.error = each.reason = each.result = undefined;
      // Whoever asks for it now wants it, however late it is.
      each.expiresAt = undefined;
      if (each.parts === undefined) this.#states.ready(each, now, now);
      else this.#states.park(each);
      for (const dependent of each.dependents ?? [])
        if (dependent.hasFailedByPart && !dependent.isForgotten && this.#hasFreeKey(dependent)) add(dependent);
    }
    for (const each of reopened) if (each.isParked) this.await(each, now);
  }

  #hasFreeKey({ task, uniqueKey }: JobRecord): boolean {
    return this.#index.holderOf(task, uniqueKey) === undefined;
  }

  #tell(ended: JobRecord, now: number): void {
    if (ended.dependents === undefined) return;
    this.#untold.push(ended);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (const part of this.#untold) {
      for (const record of part.dependents!) {
        if (!record.isParked || record.isForgotten) continue;
        if (part.status !== "succeeded" || part.isForgotten) this.#fail(record, part.id, part, now);
        else {
          record.parts!.set(part.id, part.result!);
          this.#goOn(record, now);
        }
      }
      // What has succeeded stays so; another end may be undone.
      if (part.status === "succeeded") part.dependents = undefined;
    }
    this.#untold = [];
    this.#isTelling = false;
  }

  #goOn(record: JobRecord, now: number): void {
    const { after, parts, args } = record;
    if (parts!.size < record.partCount) return;
    record.args = withResults({ args, after }, parts!);
    record.parts = undefined;
    this.#states.ready(record, now + record.delayMs, now);
  }

  #fail(record: JobRecord, id: string, part: JobRecord | undefined, now: number): void {
    record.hasFailedByPart = true;
    this.end(record, { status: "failed", error: chordPartFailed(id, part?.isForgotten ? undefined : part) }, now);
  }
}
