import type { Outcome, Status } from "../background/outcome.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { formatDuration, parseDuration, type Duration } from "../internal/duration.ts";
import type { Client } from "./client.ts";
import type { Job } from "./job.ts";
import { JobError } from "./job-error.ts";
import type { JobHandle, JobInfo } from "./job-handle.ts";
import { toJobInfo } from "./job-info.ts";

/** The handle of a job that is stored. */
export class StoredJobHandle implements JobHandle {
  readonly id: string;
  readonly name: string;
  readonly #client: Client;
  #done: Promise<Outcome> | undefined = undefined;

  constructor(client: Client, id: string, name: string) {
    this.#client = client;
    this.id = id;
    this.name = name;
  }

  get stored(): Promise<void> {
    return Promise.resolve();
  }

  async status(): Promise<Status> {
    return (await this.#client.find(this.id))?.status ?? "lost";
  }

  get done(): Promise<Outcome> {
    return (this.#done ??= this.#client.waitFor(this.id).then(
      (job) => toOutcome(job, this.id),
      (error: unknown) => ({ status: "lost", reason: `the broker could not be asked: ${String(error)}` }),
    ));
  }

  async result(options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    this.#client.assertResults();
    return resultOf(this.done, options, this);
  }

  async info(): Promise<JobInfo | undefined> {
    const job = await this.#client.find(this.id);
    return job && toJobInfo(job);
  }

  async cancel(reason = "canceled"): Promise<boolean> {
    return this.#client.cancel(this.id, reason);
  }
}

/** The outcome of a job that has ended. */
export function toOutcome(job: Job | undefined, id: string): Outcome {
  switch (job?.status) {
    case "succeeded":
      return { status: "succeeded", value: job.result === undefined ? undefined : (JSON.parse(job.result) as unknown) };
    case "failed":
      return {
        status: "failed",
        error: new JobError(job.error ?? { name: "Error", message: `Job ${id} failed, and its error was not kept.` }),
      };
    case "canceled":
      return { status: "canceled", reason: job.reason ?? "canceled" };
    case "expired":
      return { status: "expired", reason: job.reason ?? "it was not started in time" };
    default:
      return { status: "lost", reason: `the broker does not know job ${id}, or not any more` };
  }
}

/** The value of a success; throws the error of any other end, and when the time is up. */
export async function resultOf(
  done: Promise<Outcome>,
  options: { readonly timeout?: Duration },
  handle: { readonly id: string; readonly name: string },
): Promise<unknown> {
  const outcome = await within(done, options.timeout, handle);
  switch (outcome.status) {
    case "succeeded":
      return outcome.value;
    case "failed":
      throw outcome.error;
    default:
      throw new AfterwordError(
        outcome.status,
        `Job ${handle.id} of task "${handle.name}" has no result, because it ended as ${outcome.status}: ${outcome.reason}.`,
      );
  }
}

function within(
  done: Promise<Outcome>,
  timeout: Duration | undefined,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<Outcome> {
  if (timeout === undefined) return done;
  const timeoutMs = parseDuration(timeout, "timeout");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new AfterwordError(
          "result_timeout",
          `Job ${id} of task "${name}" had not ended after ${formatDuration(timeoutMs)}. It goes on: ask again, or cancel it.`,
        ),
      );
    }, timeoutMs);
    void done.then((outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}
