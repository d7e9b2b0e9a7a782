import type { CancelResult } from "../../../tasks/broker.ts";
import type { Connection, Reply } from "../../redis/connection.ts";
import type { Conclusion, OnComplete, StoredTask, TaskReport } from "../transport.ts";

/** So long Celery's own results are kept (`result_expires`). */
const keepSeconds = 86_400;
/** What the reason begins with of a revocation that spares what runs already. */
const unlessRunning = "\0";

/** A task that a worker has. */
export interface HeldTask {
  readonly worker: string;
  /** Of its message; `""` where another server carries it. */
  readonly tag: string;
  readonly id: string;
  readonly epoch: number;
}

/** What is sent of a conclusion, as the script takes it: id, list, text of each. */
type SentArguments = readonly string[];

/** Celery's results in Redis, and beside them what it does not keep: a record of each job. */
export class TaskRecords {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** How many parts each chord waits for. */
  async chords(chords: Conclusion["chords"]): Promise<void> {
    if (chords.length === 0) return;
    await this.#connection.ask(
      "chords",
      chords.flatMap(({ groupId, size }) => [size, groupId, keepSeconds]),
    );
  }

  /**
   * Stores how a task ends. When it was the last part of a chord, what follows from that comes first: whoever dies in between
   * does both again, and it is sent once.
   *
   * @param endedAtMs - when it ended, by `performance.now()`: what it sends may have begun since
   * @param toSent - how what is sent is told to the script
   * @param onFollowing - called with what a chord sends, before it counts as sent
   * @returns whether it was still the worker's
   */
  async finish(
    held: HeldTask,
    conclusion: Conclusion,
    onComplete: OnComplete,
    endedAtMs: number,
    toSent: (sends: Conclusion["sends"], isLater: boolean) => SentArguments,
    onFollowing?: (sends: Conclusion["sends"]) => Promise<void>,
  ): Promise<boolean> {
    const { record, results, sends, chords, part } = conclusion;
    await this.chords(chords);
    const ask = (place: readonly (string | number)[]): Promise<Reply> =>
      this.#connection.ask("finish", [
        held.worker,
        held.tag,
        held.id,
        held.epoch,
        record.status,
        record.keepMs ?? "",
        record.runInMs ?? "",
        record.reason ?? "",
        record.failure === undefined ? "" : JSON.stringify(record.failure),
        record.resultText ?? "",
        Math.max(0, Math.floor(performance.now() - endedAtMs)),
        results.length,
        ...results.flat(),
        ...place,
        // Until then it waits by the clock of the store, where only the queue counts.
        ...toSent(sends, Boolean(record.runInMs)),
      ]);
    const none = ["", "", "", ""];
    const place = part ? [part.groupId, part.index ?? "+inf", part.member, part.isFailed ? 1 : 0] : none;
    const reply = await ask(place);
    if (!Array.isArray(reply)) return reply === 1;
    const following = onComplete(reply as readonly string[]);
    await this.chords(following.chords);
    await onFollowing?.(following.sends);
    await this.#connection.ask("fire", [
      part!.groupId,
      following.results.length,
      ...following.results.flat(),
      ...toSent(following.sends, false),
    ]);
    return (await ask(none)) === 1;
  }

  async extend(
    worker: string,
    leaseMs: number,
    holds: readonly Omit<HeldTask, "worker">[],
  ): Promise<{ readonly lost: readonly string[]; readonly revoked: readonly (readonly [string, string])[] }> {
    const reply = await this.#connection.ask("extend", [
      worker,
      leaseMs,
      ...holds.flatMap(({ tag, id, epoch }) => [tag, id, epoch]),
    ]);
    const [lost, revoked] = reply as [string[], [string, string][]];
    return { lost, revoked: revoked.filter(([, reason]) => !reason.startsWith(unlessRunning)) };
  }

  async report({ worker, tag, id, epoch }: HeldTask, report: TaskReport): Promise<void> {
    const progress = report.progress === undefined ? "" : JSON.stringify(report.progress);
    await this.#connection.ask("report", [worker, tag, id, epoch, progress, report.result ?? "", ...report.log]);
  }

  async find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]> {
    if (ids.length === 0) return [];
    const reply = (await this.#connection.ask("get", ids)) as [string | null, string[], string[], string[], number][];
    return reply.map(([result, fields, failures, log, nowMs]) => {
      if (result === null && fields.length === 0) return undefined;
      const record: Record<string, string> = {};
      for (let at = 0; at < fields.length; at += 2) record[fields[at]!] = fields[at + 1]!;
      return { result: result ?? undefined, record, failures: failures.map(toTimed), log: log.map(toTimed), nowMs };
    });
  }

  async revoke(ids: readonly string[], results: readonly string[], reason: string): Promise<readonly CancelResult[]> {
    if (ids.length === 0) return [];
    const pairs = ids.flatMap((id, index) => [id, results[index]!]);
    return (await this.#connection.ask("revoke", [reason, ...pairs])) as readonly CancelResult[];
  }

  async noteRevoked(
    ids: readonly string[],
    results: readonly string[],
    reason: string,
    isForRunning: boolean,
  ): Promise<void> {
    if (ids.length === 0) return;
    const pairs = ids.flatMap((id, index) => [id, results[index]!]);
    await this.#connection.ask("noteRevoked", [reason, isForRunning ? 1 : 0, ...pairs]);
  }
}

/** Why somebody wants that a task does not run, as the script answers it. */
export function toRevoked(reason: Reply | undefined): string | undefined {
  return typeof reason === "string" ? reason.replace(unlessRunning, "") : undefined;
}

/** An instant, and what stands behind it. */
function toTimed(text: string): readonly [number, string] {
  const end = text.indexOf(" ");
  return [Number(text.slice(0, end)), text.slice(end + 1)];
}
