import { setImmediate as nextTurn } from "node:timers/promises";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { Broker, ChangeListener, StoredJob, WorkerInfo, WorkerRecord } from "../../tasks/broker.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { DeliveredJob, JobErrorData } from "../../tasks/job.ts";
import { Changes } from "../pulled/changes.ts";
import { workerLost } from "../pulled/part-results.ts";
import type { Claim, Extension, Hold, Store } from "../pulled/store.ts";
import { WorkerList } from "../pulled/worker-list.ts";
import { toCarriedJob, withFailure, type CarriedJob } from "./carried-job.ts";
import {
  maxDelayMs,
  type Carrier,
  type IncomingMessage,
  type OutgoingMessage,
  type Place,
  type Settlement,
} from "./carrier.ts";
import { HeldMessages, type HeldMessage } from "./held-messages.ts";
import { idOf, Interrupted } from "./interrupted.ts";
import { encodeJob } from "./job-message.ts";
import { openMessage } from "./open-message.ts";

type RequestOf<V extends keyof Store> = Parameters<Store[V]>[0];

/** A worker asks again soon, when its first sign of life was lost. */
const soonMs = 100;
/** So long after a message could not be set aside it is tried again. */
const laterMs = 500;

/**
 * Jobs that are nowhere but in their messages: a server that carries messages hands them out, and whoever has one may say how
 * it ended. Nobody can be asked about a job.
 */
export class CarriedStore implements Store {
  readonly #name: string;
  readonly #carrier: Carrier;
  readonly #changes = new Changes();
  readonly #workers = new WorkerList();
  readonly #held = new Map<string, HeldMessages>();
  readonly #interrupted = new Interrupted();

  /** @param name - of the broker, for errors */
  constructor(name: string, carrier: Carrier) {
    this.#name = name;
    this.#carrier = carrier;
  }

  open(): Promise<void> {
    return this.#carrier.open();
  }

  async close(): Promise<void> {
    for (const { inlet } of this.#held.values()) await inlet.close();
    this.#held.clear();
    await this.#carrier.close();
  }

  async enqueue({ jobs }: RequestOf<"enqueue">): Promise<readonly StoredJob[]> {
    const nowMs = Date.now();
    // An id that comes twice in a batch is one job.
    const unique = new Map(jobs.toReversed().map((job) => [job.id, job]));
    const sent = unique.size === jobs.length ? jobs : jobs.filter((job) => unique.get(job.id) === job);
    await this.#carrier.publish(sent.map((job) => toMessage(toCarriedJob(job, nowMs), "back", job.delayMs)));
    for (const { id } of jobs) this.#changes.add(id);
    return jobs.map(({ id }) => ({ id, isDuplicate: false }));
  }

  // Handing out

  async claim({ worker, count, leaseMs, maxDeliveries }: RequestOf<"claim">): Promise<Claim> {
    const held = this.#held.get(worker);
    if (held === undefined) return { jobs: [], nextMs: soonMs };
    const jobs: DeliveredJob[] = [];
    const refused: Settlement[] = [];
    const troubles: AfterwordError[] = [];
    const leaseEndMs = performance.now() + leaseMs;
    for (const message of held.inlet.take(count)) {
      const opened = open(message, maxDeliveries, this.#interrupted);
      if ("job" in opened) {
        // After a lost acknowledgment there may be two messages of one job: what the worker has is not given to it again.
        const other = held.other(opened.held);
        const isNews = other === undefined || isNewer(opened.held, other);
        if (isNews) {
          held.add({ ...opened.held, leaseEndMs });
          jobs.push(opened.job);
        }
        if (other !== undefined) refused.push({ message: isNews ? other.message : message, send: [] });
      } else {
        refused.push({ message, send: opened.send });
        if (opened.trouble !== undefined) troubles.push(opened.trouble);
      }
    }
    if (refused.length === 0) return { jobs, nextMs: undefined, troubles: held.troubles.splice(0) };
    try {
      await held.inlet.settle(refused);
      // What was settled leaves this process before a job comes that may end it: else it would come a second time.
      await nextTurn();
    } catch (error) {
      // What cannot be set aside now is looked at again, and told of then.
      held.inlet.putBack(refused.map(({ message }) => message));
      if (jobs.length === 0) throw error;
      return { jobs, nextMs: laterMs };
    }
    return { jobs, nextMs: 0, troubles: [...held.troubles.splice(0), ...troubles] };
  }

  async holds({ worker }: RequestOf<"holds">): Promise<readonly Hold[]> {
    return this.#held.get(worker)?.all() ?? [];
  }

  async extend({ worker, holds, leaseMs }: RequestOf<"extend">): Promise<Extension> {
    let held = this.#held.get(worker.id);
    if (held === undefined) {
      held = this.#receive(worker);
      this.#held.set(worker.id, held);
    }
    held.renew(holds, leaseMs);
    this.#workers.seen(worker, leaseMs, Date.now());
    const lost = holds.filter((hold) => held.find(hold) === undefined);
    for (const hold of lost) held.delete(hold);
    return { lost: lost.map(({ id }) => id), canceled: [] };
  }

  #receive(worker: WorkerInfo): HeldMessages {
    // Not the id of a job, so that nobody takes it for news of one.
    const tell = (): void => this.#changes.add("");
    const inlet = this.#carrier.receive(worker, {
      arrived: tell,
      lost: (waiting) => {
        for (const message of waiting) this.#interrupted.add(idOf(message));
        for (const id of held.clear()) this.#interrupted.add(id);
        this.#changes.addAll();
      },
      failed: (error) => {
        held.troubles.push(error);
        tell();
      },
    });
    const held = new HeldMessages(worker, inlet);
    return held;
  }

  async finish({ endings }: RequestOf<"finish">): Promise<readonly boolean[]> {
    const accepted = endings.map(() => false);
    const nowMs = Date.now();
    await Promise.all(
      [...this.#held.values()].map(async (held) => {
        const settled: { readonly index: number; readonly message: HeldMessage; readonly settlement: Settlement }[] =
          [];
        for (const [index, { ending, ...hold }] of endings.entries()) {
          const message = held.find(hold);
          if (message !== undefined)
            settled.push({
              index,
              message,
              settlement: { message: message.message, send: afterEnding(message, ending, nowMs) },
            });
        }
        if (settled.length === 0) return;
        const answers = await held.inlet.settle(settled.map(({ settlement }) => settlement));
        for (const [place, { index, message }] of settled.entries()) {
          accepted[index] = answers[place]!;
          held.delete(message);
          this.#interrupted.forget(message.id);
          this.#changes.add(message.id);
        }
      }),
    );
    return accepted;
  }

  async report(): Promise<void> {}

  async leave({ worker }: RequestOf<"leave">): Promise<void> {
    const held = this.#held.get(worker);
    this.#held.delete(worker);
    this.#workers.leave(worker);
    await held?.inlet.close();
  }

  // Asking

  /** Those of this process: the server knows connections, not workers. */
  async workers(): Promise<readonly WorkerRecord[]> {
    return this.#workers.all((worker) => this.#held.get(worker)?.size ?? 0, Date.now());
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Nobody knows where it is. */
  async cancel({ ids }: RequestOf<"cancel">): ReturnType<Broker["cancel"]> {
    return ids.map(() => "unknown" as const);
  }

  get(): Promise<never> {
    return this.#unsupported("The status or result of a job");
  }

  list(): Promise<never> {
    return this.#unsupported("Listing jobs");
  }

  counts(): Promise<never> {
    return this.#unsupported("Counting jobs");
  }

  retry(): Promise<never> {
    return this.#unsupported("Retrying a job that has ended");
  }

  remove(): Promise<never> {
    return this.#unsupported("Removing a job");
  }

  purge(): Promise<never> {
    return this.#unsupported("Removing jobs");
  }

  pause(): Promise<never> {
    return this.#unsupported("Pausing a queue");
  }

  resume(): Promise<never> {
    return this.#unsupported("Pausing a queue");
  }

  putSchedule(): Promise<never> {
    return this.#unsupported("A schedule");
  }

  removeSchedule(): Promise<never> {
    return this.#unsupported("A schedule");
  }

  schedules(): Promise<never> {
    return this.#unsupported("A schedule");
  }

  pauseSchedule(): Promise<never> {
    return this.#unsupported("A schedule");
  }

  tick(): Promise<never> {
    return this.#unsupported("A schedule");
  }

  #unsupported(what: string): Promise<never> {
    return Promise.reject(
      new AfterwordError(
        "unsupported",
        `${what} needs a store of results, which this ${this.#name} broker does not have: jobs are nowhere but in their messages. Give it one: ${this.#name}(url, { results: sqlite("tasks.db") }).`,
      ),
    );
  }
}

/** A message that a worker may run; or what is sent in its place, and what to tell of it. */
type Opened =
  | { readonly job: DeliveredJob; readonly held: Omit<HeldMessage, "leaseEndMs"> }
  | { readonly send: readonly OutgoingMessage[]; readonly trouble?: AfterwordError };

function open(message: IncomingMessage, maxDeliveries: number, interrupted: Interrupted): Opened {
  const opened = openMessage(message);
  if ("send" in opened) return opened;
  const { carried } = opened;
  const { job, attempt, expiresAt, notBefore = 0 } = carried;
  // A server that does not count is counted for: the job comes again at once, with one more.
  if (message.handouts === true) {
    const counted = { ...carried, deliveries: carried.deliveries + 1, epoch: carried.epoch + 1 };
    return { send: [toMessage(counted, "front")] };
  }
  const deaths = Math.max(0, carried.deliveries + Number(message.handouts) - interrupted.count(job.id));
  const deliveries = deaths + 1;
  const epoch = carried.epoch + Number(message.handouts) + 1;
  if (deliveries > maxDeliveries) return { send: [toDead(carried, workerLost(deliveries - 1))] };
  const nowMs = Date.now();
  if (expiresAt !== undefined && attempt === 1 && expiresAt <= nowMs) return { send: [] };
  if (notBefore > nowMs) return { send: [toMessage(carried, "back", notBefore - nowMs)] };
  const { id, task, queue, args, attempts, backoff, timeoutMs, meta } = job;
  return {
    job: { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta, epoch },
    held: { id, epoch, carried, message },
  };
}

function isNewer(one: Omit<HeldMessage, "leaseEndMs">, two: HeldMessage): boolean {
  return one.epoch > two.epoch || one.carried.attempt > two.carried.attempt;
}

function afterEnding({ carried, epoch }: HeldMessage, ending: Ending, nowMs: number): readonly OutgoingMessage[] {
  switch (ending.status) {
    case "succeeded":
    case "canceled":
      return [];
    case "retry":
      return [toMessage(withFailure(carried, epoch, ending.error, nowMs), "back", ending.delayMs)];
    case "failed":
      return [toDead(carried, ending.error)];
    case "released":
      return [toMessage({ ...carried, epoch }, "front")];
  }
}

/** What is to wait longer than a message can says so itself. */
function toMessage(carried: CarriedJob, place: Place, delayMs = 0): OutgoingMessage {
  const { queue, priority } = carried.job;
  if (delayMs <= maxDelayMs) return { queue, place, priority, delayMs, content: encodeJob(carried) };
  const { notBefore = Date.now() + delayMs } = carried;
  return { queue, place, priority, delayMs: maxDelayMs, content: encodeJob({ ...carried, notBefore }) };
}

function toDead(carried: CarriedJob, error: JobErrorData): OutgoingMessage {
  const { queue, priority } = carried.job;
  return { queue, place: "dead", priority, delayMs: 0, content: encodeJob(carried, error) };
}
