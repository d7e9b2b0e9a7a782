import type { ChangeListener } from "../../tasks/broker.ts";
import type { Claim, Store } from "../pulled/store.ts";
import type { Purged } from "./change.ts";
import type { Driver } from "./driver.ts";
import { toStoredJobs } from "./enqueue.ts";
import type { Executed } from "./execute-batch.ts";
import { toInsert } from "./job-insert.ts";
import { toDelivered, toJob } from "./job-row.ts";
import { LoopDriver } from "./loop-driver.ts";
import type { SqliteConfig } from "./options.ts";
import { toError } from "./sqlite-error.ts";
import { ThreadDriver } from "./thread-driver.ts";
import { enqueueInTransaction } from "./user-transaction.ts";
import type { Operation, Verb, VerbRequest, VerbResult } from "./verbs.ts";

interface Pending {
  readonly operation: Operation;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Jobs in a SQLite file. What is asked for while a batch is being written, or within one turn of the event loop, makes up the
 * next batch: one transaction and one sync of the disk for all of it.
 */
export class SqliteStore implements Store {
  readonly #config: SqliteConfig;
  readonly #driver: Driver;
  readonly #listeners: ChangeListener[] = [];
  #pending: Pending[] = [];
  #isWriting = false;
  #isPlanned = false;
  #whenIdle: (() => void) | undefined;

  constructor(config: SqliteConfig) {
    this.#config = config;
    const onForeignChange = (): void => this.#tell(undefined);
    this.#driver = config.thread ? new ThreadDriver(config, onForeignChange) : new LoopDriver(config, onForeignChange);
  }

  async open(): Promise<void> {
    await this.#driver.open();
    if (this.#listeners.length > 0) this.#driver.watch(true);
  }

  /** What was asked for before is done before. */
  async close(): Promise<void> {
    if (this.#pending.length > 0 || this.#isWriting)
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    await this.#driver.close();
  }

  #ask<V extends Verb>(verb: V, request: VerbRequest<V>): Promise<VerbResult<V>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ operation: { verb, request }, resolve, reject });
      if (this.#isWriting || this.#isPlanned) return;
      this.#isPlanned = true;
      setImmediate(() => {
        this.#isPlanned = false;
        this.#write();
      });
    });
  }

  #write(): void {
    if (this.#isWriting || this.#pending.length === 0) return;
    this.#isWriting = true;
    const batch = this.#pending;
    this.#pending = [];
    void this.#driver
      .execute(batch.map(({ operation }) => operation))
      .then((executed) => this.#written(batch, executed));
  }

  #written(batch: readonly Pending[], { results, changed }: Executed): void {
    this.#isWriting = false;
    // First what has waited: the disk may sync while results are looked at.
    if (this.#pending.length > 0) this.#write();
    batch.forEach(({ resolve, reject }, index) => {
      const result = results[index]!;
      if ("failure" in result) reject(toError(result.failure));
      else resolve(result.value as never);
    });
    if (changed.length > 0) this.#tell(changed);
    if (!this.#isWriting && this.#pending.length === 0) this.#whenIdle?.();
  }

  #tell(ids: readonly string[] | undefined): void {
    for (const listener of [...this.#listeners]) listener(ids);
  }

  subscribe(listener: ChangeListener): () => void {
    if (this.#listeners.push(listener) === 1) this.#driver.watch(true);
    return () => {
      const index = this.#listeners.indexOf(listener);
      if (index < 0) return;
      this.#listeners.splice(index, 1);
      if (this.#listeners.length === 0) this.#driver.watch(false);
    };
  }

  async enqueue({ jobs, transaction }: Parameters<Store["enqueue"]>[0]): ReturnType<Store["enqueue"]> {
    if (transaction === undefined) return toStoredJobs(await this.#ask("enqueue", jobs.map(toInsert)), jobs);
    return enqueueInTransaction(transaction, jobs, this.#config);
  }

  async claim(request: Parameters<Store["claim"]>[0]): Promise<Claim> {
    const { rows, nextMs } = await this.#ask("claim", request);
    return { jobs: rows.map(toDelivered), nextMs };
  }

  async finish({ endings }: Parameters<Store["finish"]>[0]): Promise<readonly boolean[]> {
    const succeeded: (string | number)[] = [];
    const others = endings.filter(({ id, epoch, ending }) => {
      if (ending.status !== "succeeded") return true;
      succeeded.push(id, epoch, ending.result);
      return false;
    });
    const accepted = await this.#ask("finish", { succeeded, others });
    let nextSucceeded = 0;
    let nextOther = 0;
    return endings.map(({ ending }) => {
      if (ending.status !== "succeeded") return accepted.others[nextOther++]!;
      return accepted.succeeded === "all" || accepted.succeeded[nextSucceeded++]!;
    });
  }

  async get({ ids }: Parameters<Store["get"]>[0]): ReturnType<Store["get"]> {
    return (await this.#ask("get", ids)).map((row) => row && toJob(row));
  }

  async list(request: Parameters<Store["list"]>[0]): ReturnType<Store["list"]> {
    const { rows, next } = await this.#ask("list", request);
    return { jobs: rows.map(toJob), next };
  }

  readonly holds: Store["holds"] = ({ worker }) => this.#ask("holds", worker);
  readonly extend: Store["extend"] = (request) => this.#ask("extend", request);
  readonly report: Store["report"] = ({ reports }) => this.#ask("report", reports);
  readonly leave: Store["leave"] = ({ worker }) => this.#ask("leave", worker);
  readonly counts: Store["counts"] = () => this.#ask("counts", undefined);
  readonly workers: Store["workers"] = () => this.#ask("workers", undefined);
  readonly cancel: Store["cancel"] = (request) => this.#ask("cancel", request);
  readonly retry: Store["retry"] = ({ ids }) => this.#ask("retry", ids);
  readonly remove: Store["remove"] = ({ ids }) => this.#ask("remove", ids);
  readonly pause: Store["pause"] = ({ queue }) => this.#ask("pause", queue);
  readonly putSchedule: Store["putSchedule"] = (request) => this.#ask("putSchedule", request);
  readonly removeSchedule: Store["removeSchedule"] = ({ name }) => this.#ask("removeSchedule", name);
  readonly schedules: Store["schedules"] = () => this.#ask("schedules", undefined);
  readonly pauseSchedule: Store["pauseSchedule"] = (request) => this.#ask("pauseSchedule", request);
  readonly tick: Store["tick"] = (request) => this.#ask("tick", request);

  async purge({ statuses, queue, task, olderThanMs = 0 }: Parameters<Store["purge"]>[0]): Promise<number> {
    let purged = 0;
    for (const state of new Set(statuses)) {
      let after: string | undefined = "";
      while (after !== undefined) {
        const { count, next }: Purged = await this.#ask("purge", { state, queue, task, olderThanMs, after });
        purged += count;
        after = next;
      }
    }
    return purged;
  }

  async resume({ queue }: Parameters<Store["resume"]>[0]): Promise<void> {
    await this.#ask("resume", queue);
    this.#tell([]);
  }
}
