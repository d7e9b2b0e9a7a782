import type { ChangeListener } from "../../../tasks/broker.ts";
import type { NewJob } from "../../../tasks/job.ts";
import { isFinalState, decodeTaskResult } from "../../../celery/result.ts";
import { Changes } from "../../pulled/changes.ts";
import { toRecord } from "../result-job.ts";
import type { StoredTask } from "../transport.ts";
import type { Answer } from "./answer.ts";

/** So many jobs are remembered that have not ended, and so many that have. */
const maxOpen = 100_000;
const maxEnded = 10_000;
const maxFailures = 20;
const maxLines = 100;

interface Remembered {
  readonly job: NewJob;
  readonly record: Record<string, string>;
  readonly failures: (readonly [number, string])[];
  readonly log: (readonly [number, string])[];
  result: string | undefined;
  isSent: boolean;
  /** When it is forgotten, once it has ended. */
  forgottenAt: number | undefined;
}

/** What this process knows of the jobs that it has sent: what it was answered. */
export class TaskMemory {
  readonly #open = new Map<string, Remembered>();
  readonly #ended = new Map<string, Remembered>();
  readonly #changes = new Changes();

  subscribe(listener: ChangeListener): () => void {
    return this.#changes.subscribe(listener);
  }

  /** @param isSent - whether it waits for no other job */
  add(job: NewJob, isSent: boolean): void {
    if (this.#find(job.id) !== undefined) return;
    const nowMs = Date.now();
    const { id, delayMs, expiresMs } = job;
    this.#open.set(id, {
      job,
      record: {
        job: toRecord(job),
        state: isSent && delayMs === 0 ? "queued" : "scheduled",
        storedAt: `${nowMs}`,
        ...(isSent && { runAt: `${nowMs + delayMs}` }),
        ...(expiresMs !== undefined && { expiresAt: `${nowMs + expiresMs}` }),
      },
      failures: [],
      log: [],
      result: undefined,
      isSent: false,
      forgottenAt: undefined,
    });
    forgetOldest(this.#open, maxOpen);
  }

  isSent(id: string): boolean {
    return this.#find(id)?.isSent === true;
  }

  sent(ids: readonly string[]): void {
    for (const id of ids) {
      const known = this.#find(id);
      if (known !== undefined) known.isSent = true;
      this.#changes.add(id);
    }
  }

  drop(ids: readonly string[]): void {
    for (const id of ids) if (this.#open.get(id)?.isSent === false) this.#open.delete(id);
  }

  /** Takes down what was answered. What has ended stays as it is. */
  hear({ id, text, note }: Answer): void {
    const known = this.#open.get(id);
    if (known === undefined) return;
    const nowMs = Date.now();
    const { reason } = known.record;
    // Whoever has asked for it knows better why.
    Object.assign(known.record, note?.record, reason !== undefined && { reason });
    // What waited for another is sent before that one's end is told.
    if (note?.record.startedAt !== undefined) known.record.runAt ??= note.record.startedAt;
    known.result = text;
    if (note?.failure !== undefined) known.failures.push([nowMs, note.failure]);
    for (const line of note?.log ?? []) known.log.push([nowMs, line]);
    known.failures.splice(0, known.failures.length - maxFailures);
    known.log.splice(0, known.log.length - maxLines);
    if (text !== undefined && isFinalState(decodeTaskResult(text).state)) this.#end(known, note?.keepMs, nowMs);
    this.#changes.add(id);
    for (const following of note?.sent ?? []) this.#follow(following);
  }

  /** A job that waited for another was sent. */
  #follow(id: string): void {
    const known = this.#open.get(id);
    if (known?.record.state === "scheduled") Object.assign(known.record, { state: "queued", runAt: `${Date.now()}` });
  }

  #end(known: Remembered, keepMs: number | undefined, nowMs: number): void {
    const { id, keepResultMs } = known.job;
    known.record.endedAt ??= `${nowMs}`;
    known.forgottenAt = nowMs + (keepMs ?? keepResultMs);
    this.#open.delete(id);
    this.#ended.set(id, known);
    forgetOldest(this.#ended, maxEnded);
  }

  /** Somebody wants that it does not run. @returns its state; `undefined` if it is not known */
  ask(id: string, reason: string): string | undefined {
    const open = this.#open.get(id);
    if (open !== undefined) open.record.reason ??= reason;
    this.#changes.add(id);
    return open?.record.state ?? (this.#find(id) === undefined ? undefined : "ended");
  }

  get(id: string): StoredTask | undefined {
    const known = this.#find(id);
    if (known === undefined) return undefined;
    const { result, record, failures, log } = known;
    return { result, record: { ...record }, failures: [...failures], log: [...log], nowMs: Date.now() };
  }

  #find(id: string): Remembered | undefined {
    const ended = this.#ended.get(id);
    if (ended === undefined) return this.#open.get(id);
    if (ended.forgottenAt! > Date.now()) return ended;
    this.#ended.delete(id);
    return undefined;
  }
}

function forgetOldest(all: Map<string, Remembered>, max: number): void {
  for (const id of all.keys()) {
    if (all.size <= max) return;
    all.delete(id);
  }
}
