import type { TaskMessage } from "../../../celery/message.ts";
import type { ChangeListener } from "../../../tasks/broker.ts";
import type { NewJob } from "../../../tasks/job.ts";
import { Connection, type Reply } from "../../redis/connection.ts";
import type { RedisConfig } from "../../redis/options.ts";
import type { Canvas } from "../job-canvas.ts";
import { sendingOf } from "../amqp/task-publication.ts";
import { recordMs, toRecord } from "../result-job.ts";
import type { BegunTask, Results } from "../results.ts";
import type { Conclusion, OnComplete, TaskReport } from "../transport.ts";
import { loadEngine } from "./load-engine.ts";
import { ResultHints } from "./result-hints.ts";
import { TaskRecords, toRevoked, type HeldTask } from "./task-records.ts";

/** Celery's results in Redis, for tasks whose messages travel through another server. */
export class RedisResults implements Results {
  readonly replyTo = undefined;
  readonly countsDeliveries = true;
  readonly noChords = undefined;
  readonly #connection: Connection;
  readonly #records: TaskRecords;
  readonly #hints: ResultHints;

  constructor(config: RedisConfig) {
    this.#connection = new Connection(config, loadEngine);
    this.#records = new TaskRecords(this.#connection);
    this.#hints = new ResultHints(config, this.#connection);
  }

  async open(): Promise<void> {
    await this.#connection.open();
    this.#hints.open();
  }

  async close(): Promise<void> {
    this.#hints.close();
    await this.#connection.close();
  }

  async note(jobs: readonly NewJob[], { sends, chords }: Canvas): Promise<ReadonlySet<string>> {
    await this.#records.chords(chords);
    const sent = new Set(sends.map(({ message }) => message.id));
    const args = jobs.flatMap((job) => {
      const { id, delayMs, expiresMs } = job;
      return [id, toRecord(job), delayMs || "", expiresMs ?? "", recordMs(job), sent.has(id) ? "1" : ""];
    });
    if (args.length === 0) return new Set();
    const known = (await this.#connection.ask("note", args)) as readonly string[];
    return new Set(jobs.filter((_, index) => known[index] === "1").map(({ id }) => id));
  }

  sent(ids: readonly string[]): void {
    // Whoever stores a job again that is not known as sent sends it again: then it runs twice, and ends once.
    if (ids.length > 0) this.#connection.ask("sent", ids).catch(() => {});
  }

  async drop(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#connection.ask("drop", ids);
  }

  /** Beginning says so. */
  hasEnded(): boolean {
    return false;
  }

  async begin(
    worker: string,
    messages: readonly TaskMessage[],
    maxDeliveries: number,
  ): Promise<readonly (BegunTask | undefined)[]> {
    if (messages.length === 0) return [];
    const args = messages.flatMap((message) => [
      message.id,
      message.retries,
      message.ignoreResult ? "" : "1",
      sendingOf(message),
    ]);
    const reply = (await this.#connection.ask("begin", [worker, maxDeliveries, ...args])) as readonly Reply[][];
    return messages.map((message, index) => {
      const [epoch, deliveries, revoked] = reply[index] ?? [];
      if (epoch === undefined) return undefined;
      return { worker, message, epoch: Number(epoch), deliveries: Number(deliveries), revoked: toRevoked(revoked) };
    });
  }

  async release(task: BegunTask, dueAt: number | undefined): Promise<boolean> {
    const { worker, tag, id, epoch } = toHeld(task);
    return (await this.#connection.ask("giveBack", [worker, tag, id, epoch, "", dueAt ?? ""])) === 1;
  }

  conclude(
    task: BegunTask,
    conclusion: Conclusion,
    onComplete: OnComplete,
    endedAtMs: number,
    onFollowing: (sends: Canvas["sends"]) => Promise<void>,
  ): Promise<boolean> {
    return this.#records.finish(toHeld(task), conclusion, onComplete, endedAtMs, toSentArguments, onFollowing);
  }

  async refuse(...[, results]: Parameters<Results["refuse"]>): Promise<void> {
    if (results.length > 0) await this.#connection.ask("refuse", results.flat());
  }

  report(task: BegunTask, report: TaskReport): Promise<void> {
    return this.#records.report(toHeld(task), report);
  }

  extend(worker: string, tasks: readonly BegunTask[]): ReturnType<Results["extend"]> {
    // Who is silent is known by its connection to the server of the messages.
    return this.#records.extend(worker, 0, tasks.map(toHeld));
  }

  find(ids: readonly string[]): ReturnType<Results["find"]> {
    return this.#records.find(ids);
  }

  revoke(...[ids, results, reason]: Parameters<Results["revoke"]>): ReturnType<Results["revoke"]> {
    return this.#records.revoke(ids, results, reason);
  }

  noteRevoked(...[ids, results, reason, isForRunning]: Parameters<Results["noteRevoked"]>): Promise<void> {
    return this.#records.noteRevoked(ids, results, reason, isForRunning);
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#hints.subscribe(listener);
  }
}

function toHeld({ worker, message, epoch }: BegunTask): HeldTask {
  return { worker, tag: "", id: message.id, epoch };
}

/** That it was sent is noted down; where to is not the script's concern. */
function toSentArguments(sends: Canvas["sends"]): readonly string[] {
  return sends.flatMap(({ message }) => [message.id, "", ""]);
}
