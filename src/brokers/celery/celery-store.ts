import { decodeTaskMessage } from "../../celery/decode-message.ts";
import type { TaskMessage } from "../../celery/message.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { createUuidV7 } from "../../internal/uuid-v7.ts";
import type { ChangeListener, StoredJob, WorkerRecord } from "../../tasks/broker.ts";
import type { Ending } from "../../tasks/ending.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { Claim, Extension, Hold, Store } from "../pulled/store.ts";
import { WorkerList } from "../pulled/worker-list.ts";
import { completeChord, conclude, refuse, type ConclusionContext, type TaskEnding } from "./conclusion.ts";
import { Nodes, type NodesConfig } from "./control/nodes.ts";
import { toDelivered, toUnrun } from "./delivered-task.ts";
import { toCanvas } from "./job-canvas.ts";
import { toJob, withParts } from "./result-job.ts";
import { encodeOutcome, encodeRevoked } from "./task-outcome.ts";
import type { Taken, Transport } from "./transport.ts";

type RequestOf<V extends keyof Store> = Parameters<Store[V]>[0];
type AnswerOf<V extends keyof Store> = ReturnType<Store[V]>;

/** A message whose task runs here. */
interface Held extends Hold {
  readonly taken: Taken;
  readonly message: TaskMessage;
  readonly startedAt: number;
}

/** Jobs in Celery's messages, run by our workers and by Celery's, with results where Celery keeps them. */
export class CeleryStore implements Store {
  readonly #transport: Transport;
  readonly #defaultQueue: string;
  readonly #workers = new WorkerList();
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #nodes: Nodes;

  constructor(transport: Transport, config: NodesConfig) {
    this.#transport = transport;
    this.#defaultQueue = config.defaultQueue;
    this.#nodes = new Nodes(transport, config, (worker) => [...(this.#held.get(worker)?.values() ?? [])]);
  }

  open(): Promise<void> {
    return this.#transport.open();
  }

  close(): Promise<void> {
    this.#held.clear();
    return this.#transport.close();
  }

  async enqueue({ jobs }: RequestOf<"enqueue">): Promise<readonly StoredJob[]> {
    const unique = [...new Map(jobs.toReversed().map((job) => [job.id, job])).values()].toReversed();
    await this.#transport.enqueue(
      unique,
      toCanvas(unique, {
        toPriority: this.#transport.toPriority,
        defaultQueue: this.#defaultQueue,
        replyTo: this.#transport.replyTo,
        nowMs: Date.now(),
      }),
    );
    return jobs.map(({ id }) => ({ id, isDuplicate: false }));
  }

  // Handing out

  async claim({ worker, queues, count, leaseMs, maxDeliveries }: RequestOf<"claim">): Promise<Claim> {
    const node = this.#nodes.get(worker);
    const {
      taken,
      refused,
      nextMs,
      troubles: others = [],
    } = await this.#transport.claim({
      worker,
      queues: node?.queues ?? queues,
      count,
      leaseMs,
      maxDeliveries,
    });
    const troubles = [...others, ...refused.map(({ queue, reason }) => undecodable(queue, reason))];
    const jobs: DeliveredJob[] = [];
    for (const each of taken) {
      try {
        const message = each.message ?? decodeTaskMessage(each.content);
        node?.received(message);
        const job = await this.#accept(worker, each, message, maxDeliveries);
        if (job === undefined) continue;
        this.#heldBy(worker).set(job.id, {
          id: job.id,
          epoch: each.epoch,
          taken: each,
          message,
          startedAt: Date.now(),
        });
        node?.started(message);
        jobs.push(job);
      } catch (error) {
        // Where it is the store that fails, the message is good, and comes again when its lease is over.
        troubles.push(error instanceof StoreError ? error : await this.#refuse(worker, each, error as Error));
      }
    }
    return { jobs, nextMs: jobs.length < taken.length ? 0 : nextMs, troubles };
  }

  /** A message that is to run now; others are dealt with. */
  async #accept(
    worker: string,
    taken: Taken,
    message: TaskMessage,
    maxDeliveries: number,
  ): Promise<DeliveredJob | undefined> {
    const nowMs = Date.now();
    const ending = toUnrun(taken, message, maxDeliveries, nowMs);
    if (ending !== undefined) {
      await this.#conclude(worker, taken, message, ending);
      return undefined;
    }
    if (message.eta !== undefined && message.eta > nowMs) {
      await this.#transport.giveBack(worker, taken, message.id, message.eta);
      return undefined;
    }
    return toDelivered(taken, message);
  }

  /** Sets a message aside that cannot be read, and tells whoever waits for its id, if that can be. */
  async #refuse(worker: string, taken: Taken, error: Error): Promise<AfterwordError> {
    await this.#transport.setAside(taken, error.message);
    const conclusion = refuse(taken, error, Date.now());
    // Its own record, if it has one, may be that of another message with its id.
    await this.#transport.finish(worker, taken, taken.tag, conclusion, () => conclusion);
    return undecodable(taken.queue, error.message);
  }

  async extend({ worker, holds, leaseMs }: RequestOf<"extend">): Promise<Extension> {
    this.#workers.seen(worker, leaseMs, Date.now());
    this.#nodes.seen(worker);
    const held = this.#heldBy(worker.id);
    const known = holds.map(({ id }) => held.get(id)).filter((each) => each !== undefined);
    const { lost, revoked } = await this.#transport.extend({
      worker,
      leaseMs,
      holds: known.map(({ id, epoch, taken }) => ({ tag: taken.tag, id, epoch })),
    });
    return { lost, canceled: revoked.map(([id, reason]) => ({ id, reason })) };
  }

  holds({ worker }: RequestOf<"holds">): AnswerOf<"holds"> {
    return this.#transport.holds(worker);
  }

  async finish({ endings }: RequestOf<"finish">): Promise<readonly boolean[]> {
    const accepted = endings.map(() => false);
    await Promise.all(
      this.#inOrder(endings).map(async ({ id, epoch, ending, index }) => {
        for (const [worker, held] of this.#held) {
          const each = held.get(id);
          if (each?.epoch !== epoch) continue;
          accepted[index] =
            ending.status === "released"
              ? await this.#giveBack(worker, each)
              : await this.#conclude(worker, each.taken, each.message, ending, each.startedAt);
          // Its next attempt may be in hand by now.
          if (held.get(id) === each) held.delete(id);
        }
      }),
    );
    return accepted;
  }

  /** What was claimed first is given back last, so that it comes first again. */
  #inOrder<T extends Hold & { readonly ending: Ending }>(endings: readonly T[]): readonly (T & { index: number })[] {
    const indexed = endings.map((ending, index) => ({ ...ending, index }));
    const released = indexed.filter(({ ending }) => ending.status === "released");
    if (released.length < 2) return indexed;
    const places = new Map(
      [...this.#held.values()].flatMap((held) => [...held.keys()]).map((id, place) => [id, place]),
    );
    const placeOf = ({ id }: Hold): number => places.get(id) ?? 0;
    return [
      ...indexed.filter(({ ending }) => ending.status !== "released"),
      ...released.toSorted((one, two) => placeOf(two) - placeOf(one)),
    ];
  }

  async #giveBack(worker: string, { taken, message }: Held): Promise<boolean> {
    const isAccepted = await this.#transport.giveBack(worker, taken, message.id, undefined);
    if (isAccepted) this.#nodes.get(worker)?.givenBack(message.id);
    return isAccepted;
  }

  /** @param startedAt - `undefined` if it was not run */
  async #conclude(
    worker: string,
    taken: Taken,
    message: TaskMessage,
    ending: TaskEnding,
    startedAt?: number,
  ): Promise<boolean> {
    const context: ConclusionContext = { nowMs: Date.now(), createId: createUuidV7, defaultQueue: this.#defaultQueue };
    if (ending.status === "failed" && ending.error.code === "unknown_task")
      await this.#transport.setAside(taken, ending.error.message);
    const { conclusion, result } = conclude(taken.queue, message, ending, context);
    const isAccepted = await this.#transport.finish(worker, taken, message.id, conclusion, (members) =>
      completeChord(message, members, context),
    );
    if (isAccepted) this.#nodes.get(worker)?.ended(result, startedAt, ending.status === "expired");
    return isAccepted;
  }

  async report({ reports }: RequestOf<"report">): Promise<void> {
    await Promise.all(
      reports.map(async ({ id, epoch, progress, log }) => {
        for (const [worker, held] of this.#held) {
          const each = held.get(id);
          if (each?.epoch !== epoch) continue;
          const result =
            progress === undefined
              ? undefined
              : encodeOutcome({
                  id,
                  state: "PROGRESS",
                  result: { value: progress.value, note: progress.note ?? null },
                })[1];
          await this.#transport.report(worker, each.taken, each.message.id, { progress, log, result });
        }
      }),
    );
  }

  async leave({ worker }: RequestOf<"leave">): Promise<void> {
    this.#held.delete(worker);
    this.#workers.leave(worker);
    await Promise.all([this.#nodes.leave(worker), this.#transport.leave(worker)]);
  }

  // Asking

  async get({ ids }: RequestOf<"get">): AnswerOf<"get"> {
    const found = await this.#transport.find(ids);
    const jobs = ids.map((id, index) => found[index] && toJob(id, found[index]));
    const waiting = jobs.filter((job) => job?.status === "scheduled" && job.after !== undefined);
    if (waiting.length === 0) return jobs;
    const parts = [...new Set(waiting.flatMap((job) => job!.after!.ids))];
    const known = new Map((await this.get({ ids: parts })).map((part, index) => [parts[index]!, part]));
    return jobs.map((job) => (job === undefined ? undefined : withParts(job, known)));
  }

  async cancel({ ids, reason }: RequestOf<"cancel">): AnswerOf<"cancel"> {
    const nowMs = Date.now();
    const answers = await this.#transport.revoke(
      ids,
      ids.map((id) => encodeRevoked(id, reason, nowMs)),
      reason,
    );
    // Workers of Celery may have the message, or get it: they read no record of ours.
    await this.#nodes.tellRevoked(ids.filter((_, index) => answers[index] !== "ended"));
    return answers;
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    return this.#workers.all((worker) => this.#held.get(worker)?.size ?? 0, Date.now());
  }

  subscribe(listener: ChangeListener): () => void {
    const unsubscribes = [this.#transport.subscribe(listener), this.#nodes.subscribe(listener)];
    return () => unsubscribes.forEach((unsubscribe) => unsubscribe());
  }

  list(): Promise<never> {
    return unsupported("Listing jobs");
  }

  counts(): Promise<never> {
    return unsupported("Counting jobs");
  }

  retry(): Promise<never> {
    return unsupported("Retrying a job that has ended");
  }

  remove(): Promise<never> {
    return unsupported("Removing a job");
  }

  purge(): Promise<never> {
    return unsupported("Removing jobs");
  }

  pause(): Promise<never> {
    return unsupported("Pausing a queue");
  }

  resume(): Promise<never> {
    return unsupported("Pausing a queue");
  }

  putSchedule(): Promise<never> {
    return unsupported("A schedule");
  }

  removeSchedule(): Promise<never> {
    return unsupported("A schedule");
  }

  schedules(): Promise<never> {
    return unsupported("A schedule");
  }

  pauseSchedule(): Promise<never> {
    return unsupported("A schedule");
  }

  tick(): Promise<never> {
    return unsupported("A schedule");
  }

  #heldBy(worker: string): Map<string, Held> {
    let held = this.#held.get(worker);
    if (held === undefined) this.#held.set(worker, (held = new Map()));
    return held;
  }
}

function undecodable(queue: string, why: string): AfterwordError {
  return new AfterwordError(
    "undecodable",
    `A message of queue ${JSON.stringify(queue)} cannot be read and was put to the dead letters: ${why}`,
  );
}

function unsupported(what: string): Promise<never> {
  return Promise.reject(
    new AfterwordError(
      "unsupported",
      `${what} is nothing that Celery's own queues can do. Use celery inspect, or a queue of another broker.`,
    ),
  );
}
