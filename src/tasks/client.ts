import type { Overrides } from "../app/overrides.ts";
import type { JobStore, PendingJob } from "../background/pending-job.ts";
import { assertNotInTaskThread } from "../background/task-thread.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { assertAbility } from "./abilities.ts";
import type { AddedJob } from "./added-job.ts";
import type { Broker } from "./broker.ts";
import { addClient, alwaysRunWithClient, removeClient } from "./current-client.ts";
import type { Job } from "./job.ts";
import type { JobHandle } from "./job-handle.ts";
import { isStoreObserved, observeStore } from "./job-channels.ts";
import { StoredJobHandle } from "./stored-job-handle.ts";
import { assertBroker, closeBroker, openBroker } from "./shared-broker.ts";
import { StoreError } from "./store-error.ts";
import { Waiter } from "./waiter.ts";

/** What `new Client()` takes. */
export interface ClientOptions {
  /** Where jobs are stored. It may be shared with apps, workers and other clients of this process. */
  readonly broker: Broker;
}

/**
 * Stores jobs and asks for them, outside of an app: in a script, a command, another framework.
 *
 * It connects with its first use. While it is the only one that is open in the process, `task.enqueue()` uses it.
 *
 * @example
 * ```ts
 * import { Client, memory, task } from "afterword";
 *
 * const greet = task("greet", async (name: string) => console.log(`Hello, ${name}`));
 *
 * await using client = new Client({ broker: memory() });
 * const job = await greet.enqueue("Ada");
 * console.log(await job.status()); // queued: a worker runs it
 * ```
 */
export class Client implements JobStore, AsyncDisposable {
  readonly broker: Broker;
  /** Dependencies that others stand in for, of the app whose client it is. */
  overrides: Overrides | undefined = undefined;
  readonly #waiter: Waiter;
  readonly #closing = new AbortController();
  #opening: Promise<void> | undefined = undefined;
  #isOpen = true;

  /** @throws {DeclarationError} for an unknown option, or when `broker` is none */
  constructor(options: ClientOptions) {
    const { broker, ...rest } = (options ?? {}) as ClientOptions;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw new DeclarationError(`new Client() knows the option broker only, but got ${JSON.stringify(unknown)}.`);
    assertBroker(broker, "new Client(): broker");
    this.broker = broker;
    this.#waiter = new Waiter(broker);
    addClient(this);
  }

  /** Aborts when the client is about to close: who only watches jobs for others lets go. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Lets go those who only watch jobs: an app does so before it waits for its responses. */
  announceClose(): void {
    this.#closing.abort();
  }

  /** Whether it was not closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Connects. The first use does it by itself; here one learns early whether it works. */
  open(): Promise<void> {
    if (!this.#isOpen)
      return Promise.reject(new StoreError("broker_closed", "This client was closed. Make a new one."));
    return (this.#opening ??= openBroker(this.broker).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  /** Disconnects, when nobody else in this process uses the broker. Whoever still waits for a job is told that it is `lost` from sight. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.announceClose();
    removeClient(this);
    this.#waiter.close();
    const opening = this.#opening;
    this.#opening = undefined;
    const hasOpened = await opening?.then(
      () => true,
      () => false,
    );
    if (hasOpened) await closeBroker(this.broker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Calls `fn` so that `enqueue` inside it, also after `await`, uses this client, whichever others are open. */
  run<R>(fn: () => R): R {
    return alwaysRunWithClient(this, fn);
  }

  /**
   * The handle of a job that is stored, perhaps by another process.
   *
   * @param name - the name of its task, for the handle only
   */
  job(id: string, name = ""): JobHandle {
    if (typeof id !== "string" || id === "")
      throw new DeclarationError(`client.job() expects the id of a job, but got ${formatValue(id)}.`);
    return new StoredJobHandle(this, id, name);
  }

  async store(added: readonly PendingJob[]): Promise<void> {
    await this.storeJobs(added as readonly AddedJob[], undefined);
  }

  /** Stores jobs in one batch, inside the user's transaction if one is given, and tells their handles. */
  async storeJobs(added: readonly AddedJob[], transaction: unknown): Promise<void> {
    try {
      assertNotInTaskThread("enqueue()");
      for (const job of added) {
        const checking = job.prepare(this);
        if (checking) await checking;
      }
      if (this.#opening === undefined) await this.open();
      else await this.#opening;
      const jobs = added.length === 1 ? added[0]!.jobs : added.flatMap((job) => job.jobs);
      const store = (): ReturnType<Broker["enqueue"]> =>
        this.broker.enqueue(transaction === undefined ? { jobs } : { jobs, transaction });
      const stored = await (isStoreObserved() ? observeStore(this.broker.name, jobs, store) : store());
      let end = 0;
      for (const job of added) {
        end += job.jobs.length;
        job.settleStored(stored[end - 1]!);
      }
    } catch (error) {
      for (const job of added) job.settleRefused(error);
      throw error;
    }
  }

  // For handles

  /** The job as the broker knows it now. */
  async find(id: string): Promise<Job | undefined> {
    await this.open();
    const [job] = await this.broker.get({ ids: [id] });
    return job;
  }

  /** @throws {AfterwordError} with code `unsupported` when the broker can tell of no job how it has ended */
  assertResults(): void {
    assertAbility(this.broker, "Waiting for the end of a job", "results");
  }

  /** Resolves with the job at its end, and with `undefined` when it is not known, or not any more. */
  async waitFor(id: string): Promise<Job | undefined> {
    this.assertResults();
    await this.open();
    return this.#waiter.wait(id);
  }

  /** Cancels a job and those that it waits for. @returns whether it has ended as canceled or was asked to */
  async cancel(id: string, reason: string): Promise<boolean> {
    await this.open();
    const ids = [id];
    for (let known = 0; known < ids.length;) {
      const jobs = await this.broker.get({ ids: ids.slice(known) });
      known = ids.length;
      for (const job of jobs) {
        if (job?.status !== "scheduled") continue;
        for (const part of job.after?.ids ?? []) if (!ids.includes(part)) ids.push(part);
      }
    }
    const [result] = await this.broker.cancel({ ids, reason });
    return result === "canceled" || result === "requested";
  }
}
