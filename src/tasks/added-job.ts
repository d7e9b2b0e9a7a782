import type { TaskSettings } from "../background/added-task.ts";
import type { TaskFunction } from "../background/background-task.ts";
import type { Outcome, Status } from "../background/outcome.ts";
import { PendingJob } from "../background/pending-job.ts";
import type { Duration } from "../internal/duration.ts";
import type { Awaitable } from "../internal/thenable.ts";
import type { StoredJob } from "./broker.ts";
import type { Client } from "./client.ts";
import { currentClient } from "./current-client.ts";
import type { NewJob } from "./job.ts";
import { announceJobs } from "./job-channels.ts";
import type { JobHandle, JobInfo } from "./job-handle.ts";
import { resultOf, StoredJobHandle } from "./stored-job-handle.ts";
import { StoreError } from "./store-error.ts";

/** What is checked when it is known where the jobs go: schemas that answer with a promise, the abilities of the broker. */
export type JobCheck = (client: Client) => Awaitable<void>;

/** Made when somebody asks. */
interface Extra {
  stored?: PromiseWithResolvers<void>;
  done?: PromiseWithResolvers<Outcome>;
}

/**
 * A job, or a flow of several whose last one it stands for, from `addTask` or `enqueue` on. Until it is stored it lives
 * here; then the broker knows more of it.
 */
export class AddedJob extends PendingJob implements JobHandle {
  readonly settings: TaskSettings;
  readonly name: string;
  /** What is stored: the last is the one that this handle stands for. */
  readonly jobs: readonly NewJob[];
  readonly #check: JobCheck;
  #client: Client | undefined = undefined;
  #handle: StoredJobHandle | undefined = undefined;
  #outcome: Outcome | undefined = undefined;
  #refusal: { readonly error: unknown } | undefined = undefined;
  #isStoring = false;
  #isDuplicate = false;
  #extra: Extra | undefined = undefined;

  constructor(
    fn: TaskFunction,
    args: readonly unknown[],
    settings: TaskSettings,
    name: string,
    jobs: readonly NewJob[],
    check: JobCheck,
  ) {
    super(fn);
    (this as { args: readonly unknown[] }).args = args;
    this.settings = settings;
    this.name = name;
    this.jobs = announceJobs(jobs);
    this.#check = check;
  }

  get id(): string {
    return this.#handle?.id ?? this.jobs.at(-1)!.id;
  }

  // Storing

  get isPending(): boolean {
    return !this.#isStoring && this.#handle === undefined && this.#outcome === undefined;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Stores it now, by the client of the request or job that is running, or the only one. */
  override async run(): Promise<void> {
    if (this.isPending) await currentClient().storeJobs([this], undefined);
  }

  /** It is about to be stored. */
  prepare(client: Client): Awaitable<void> {
    this.#isStoring = true;
    this.#client = client;
    return this.#check(client);
  }

  settleStored({ id, isDuplicate }: StoredJob): void {
    this.#isDuplicate = isDuplicate;
    this.#handle = new StoredJobHandle(this.#client!, id, this.name);
    this.#extra?.stored?.resolve();
    if (this.#extra?.done) void this.#remembered(this.#handle.done).then(this.#extra.done.resolve);
  }

  settleRefused(error: unknown): void {
    if (this.#handle || this.#outcome) return;
    this.#refusal = { error };
    const reason = error instanceof Error ? error.message : String(error);
    this.#end(
      error instanceof StoreError && error.code === "maybe_stored"
        ? { status: "lost", reason: `it is not known whether it was stored: ${reason}` }
        : { status: "dropped", reason: `it was not stored: ${reason}` },
    );
  }

  drop(reason: string): void {
    if (this.isPending) this.#end({ status: "dropped", reason });
  }

  #end(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#extra?.done?.resolve(outcome);
    this.#extra?.stored?.reject(this.#notStored(outcome));
  }

  #notStored(outcome: Outcome): unknown {
    if (this.#refusal) return this.#refusal.error;
    const reason = "reason" in outcome ? outcome.reason : outcome.status;
    return new StoreError("not_stored", `Job ${this.id} of task "${this.name}" was not stored: ${reason}.`);
  }

  // The handle

  get stored(): Promise<void> {
    const more = (this.#extra ??= {});
    if (more.stored === undefined) {
      more.stored = Promise.withResolvers();
      // Who asks for it need not wait for it.
      more.stored.promise.catch(() => {});
      if (this.#handle) more.stored.resolve();
      else if (this.#outcome) more.stored.reject(this.#notStored(this.#outcome));
    }
    return more.stored.promise;
  }

  get done(): Promise<Outcome> {
    if (this.#handle) return this.#remembered(this.#handle.done);
    const more = (this.#extra ??= {});
    if (more.done === undefined) {
      more.done = Promise.withResolvers();
      if (this.#outcome) more.done.resolve(this.#outcome);
    }
    return more.done.promise;
  }

  #remembered(done: Promise<Outcome>): Promise<Outcome> {
    return done.then((outcome) => (this.#outcome ??= outcome));
  }

  async status(): Promise<Status> {
    if (this.#outcome) return this.#outcome.status;
    if (this.#handle) return this.#handle.status();
    return this.initialStatus ?? "queued";
  }

  get initialStatus(): "scheduled" | "queued" | undefined {
    // Stored before, by somebody else: it may be anything by now.
    if (this.#isDuplicate) return undefined;
    const job = this.jobs.at(-1)!;
    return job.delayMs > 0 || job.after ? "scheduled" : "queued";
  }

  async result(options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    if (this.#outcome === undefined) this.#client?.assertResults();
    return resultOf(this.done, options, this);
  }

  async info(): Promise<JobInfo | undefined> {
    return this.#handle?.info();
  }

  async cancel(reason = "canceled"): Promise<boolean> {
    if (this.isPending) {
      this.#end({ status: "canceled", reason });
      return true;
    }
    if (this.#isStoring && this.#handle === undefined) await this.stored.catch(() => {});
    return this.#handle === undefined ? false : this.#handle.cancel(reason);
  }
}
