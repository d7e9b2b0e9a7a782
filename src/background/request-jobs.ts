import type { Background } from "./background.ts";
import type { PendingJob } from "./pending-job.ts";
import type { RequestTasks } from "./request-tasks.ts";

/** Why a job of `when: "error"` is dropped. */
const succeeded = 'its request succeeded, and it was added with when: "error"';

/**
 * The jobs of one request: stored together before the response leaves, and one by one after that. By the rules of `when` some
 * are never stored; they are dropped, and told of.
 */
export class RequestJobs {
  readonly #background: Background;
  readonly #request: RequestTasks;
  readonly #jobs: PendingJob[] = [];
  #isLeaving = false;

  constructor(background: Background, request: RequestTasks) {
    this.#background = background;
    this.#request = request;
  }

  has(job: PendingJob): boolean {
    return this.#jobs.includes(job);
  }

  add(job: PendingJob): void {
    this.#jobs.push(job);
    if (this.#isLeaving) this.#storeLate(job);
  }

  /**
   * Stores those that were added, in one batch. To be awaited before the response leaves.
   *
   * @throws {AfterwordError} when they were not stored, or it is not known whether they were
   */
  store(): Promise<void> | undefined {
    const pending = this.#jobs.filter((job) => job.isPending);
    if (pending.length === 0 || this.#request.mode === "collect") return undefined;
    // The list belongs to the user as well, who may have taken some from it.
    const listed = new Set<unknown>(this.#request.list.tasks);
    const jobs = pending.filter((job) => {
      if (listed.has(job)) return this.#allows(job);
      this.#drop(job, "it was taken from the list before its turn");
      return false;
    });
    return jobs.length === 0 ? undefined : this.#background.storeJobs(jobs);
  }

  /** The response leaves: what was not stored by now never will be, and what is to come is stored at once. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    if (this.#request.mode === "collect") return;
    for (const job of this.#jobs) if (job.isPending) this.#drop(job, this.#request.failure ?? succeeded);
  }

  #allows(job: PendingJob): boolean {
    const { when } = job.settings;
    const { failure, mode } = this.#request;
    if (mode === "skip") this.#drop(job, "tests skip tasks");
    else if (when === "always" || (when === "success") === (failure === undefined)) return true;
    // Until the response leaves the request may still fail.
    else if (failure !== undefined) this.#drop(job, failure);
    return false;
  }

  #drop(job: PendingJob, reason: string): void {
    job.drop(reason);
    this.#background.droppedJob(job, this.#request, reason);
  }

  /** Nobody waits for it any more, so whoever wants to know is told. */
  #storeLate(job: PendingJob): void {
    if (this.#request.mode === "collect") return;
    if (!this.#allows(job)) {
      if (job.isPending) this.#drop(job, succeeded);
      return;
    }
    this.#background.storeJobs([job]).catch((error: unknown) =>
      this.#background.report(error, {
        kind: "task",
        id: job.id,
        name: job.name,
        args: "",
        requestId: this.#request.request.id,
      }),
    );
  }
}
