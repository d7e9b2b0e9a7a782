import { UndecodableMessage } from "../../celery/undecodable-message.ts";
import type { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import type { ChangeListener, StoredJob, WorkerInfo } from "../../tasks/broker.ts";
import type { DeliveredJob, NewJob } from "../../tasks/job.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { Changes } from "../pulled/changes.ts";
import type { Claim, Extension, Store } from "../pulled/store.ts";
import { toCarriedJob, type CarriedJob } from "./carried-job.ts";
import type { Carrier, IncomingMessage, OutgoingMessage, Settlement } from "./carrier.ts";
import { encodeJob, isOwn } from "./job-message.ts";
import { openMessage, refuseMessage, type OpenedMessage } from "./open-message.ts";
import { Receiver } from "./receiver.ts";

type RequestOf<V extends keyof Store> = Parameters<Store[V]>[0];
type AnswerOf<V extends keyof Store> = ReturnType<Store[V]>;

/** A worker asks again soon, when its first sign of life was lost. */
const soonMs = 100;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Jobs in two places: a message hands each out, and a ledger, which is the store of another broker, keeps its state. A message
 * says that a job of its queue waits; the claim itself is the ledger's, fenced as always and in its order, so that one message
 * is as good as another. It is settled as soon as the claim is made: no server waits for long jobs.
 *
 * What no message tells of, or no longer, is found by sweeping: jobs whose time has come, that a limit, a pause or another job
 * held back, whose worker died, whose message was lost.
 */
export class LedgerStore implements Store {
  readonly #carrier: Carrier;
  readonly #ledger: Store;
  readonly #isDurable: boolean;
  readonly #news = new Changes();
  readonly #receivers = new Map<string, Receiver>();

  /** @param isDurable - whether what the ledger keeps outlives this process */
  constructor(carrier: Carrier, ledger: Store, isDurable: boolean) {
    this.#carrier = carrier;
    this.#ledger = ledger;
    this.#isDurable = isDurable;
  }

  async open(): Promise<void> {
    await this.#carrier.open();
    try {
      await this.#ledger.open();
    } catch (error) {
      await this.#carrier.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const { inlet } of this.#receivers.values()) await inlet.close();
    this.#receivers.clear();
    await this.#ledger.close();
    await this.#carrier.close();
  }

  // Storing: the ledger first, so that whoever gets a message finds its job.

  async enqueue(request: RequestOf<"enqueue">): Promise<readonly StoredJob[]> {
    await this.#carrier.ready();
    const stored = await this.#ledger.enqueue(request);
    const isNew = (index: number): boolean => stored[index]?.isDuplicate === false;
    try {
      await this.#carrier.publish(request.jobs.filter((job, index) => isReady(job) && isNew(index)).map(toMessage));
    } catch (cause) {
      // Whatever the server has done with the messages, whoever sweeps finds the jobs.
      throw new StoreError("maybe_stored", (cause as Error).message, { cause });
    }
    return stored;
  }

  async tick(request: RequestOf<"tick">): AnswerOf<"tick"> {
    const stored = await this.#ledger.tick(request);
    const jobs = request.ticks.filter((_, index) => stored[index]).map(({ job }) => job);
    // The ledger has them: whoever sweeps finds those whose message was not sent.
    await this.#carrier.publish(jobs.filter(isReady).map(toMessage)).catch(() => {});
    return stored;
  }

  // Handing out

  async claim(request: RequestOf<"claim">): Promise<Claim> {
    const receiver = this.#receivers.get(request.worker);
    if (receiver === undefined) return { jobs: [], nextMs: soonMs };
    // The sweep comes first: else messages that never end would keep what it finds waiting.
    const jobs = receiver.isSweepDue ? [...(await this.#sweep(request, receiver))] : [];
    const messages = receiver.inlet.take(request.count - jobs.length);
    const troubles = receiver.troubles.splice(0);
    if (messages.length === 0) return { jobs, nextMs: receiver.sweepInMs, troubles };
    const count = jobs.length + messages.length;
    try {
      troubles.push(...(await this.#claimFor(request, receiver, messages, jobs)));
    } catch (error) {
      // The ledger is away. Messages that nobody settles would take the place of others.
      receiver.inlet.putBack(messages);
      throw error;
    }
    // A message that brought nothing has left room for another.
    return { jobs, nextMs: jobs.length < count ? 0 : receiver.sweepInMs, troubles };
  }

  async #sweep(request: RequestOf<"claim">, receiver: Receiver): Promise<readonly DeliveredJob[]> {
    receiver.beginSweep();
    const { jobs, nextMs } = await this.#ledger.claim(request);
    // As long as it finds something, there may be more.
    if (jobs.length > 0) receiver.sweepIn(0);
    else if (nextMs !== undefined) receiver.sweepIn(nextMs);
    return jobs;
  }

  /** Claims as many jobs of each queue as it has messages, into `jobs`. */
  async #claimFor(
    request: RequestOf<"claim">,
    receiver: Receiver,
    messages: readonly IncomingMessage[],
    jobs: DeliveredJob[],
  ): Promise<readonly AfterwordError[]> {
    const { settlements, unknown, troubles } = this.#open(messages);
    if (unknown.length > 0) await this.#storeUnknown(unknown);
    const counts = new Map<string, number>();
    for (const { queue } of messages) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    for (const [queue, count] of counts)
      jobs.push(...(await this.#ledger.claim({ ...request, queues: [queue], count })).jobs);
    // One that is not settled is taken again, and then finds nothing.
    void receiver.inlet.settle(settlements).catch(() => receiver.inlet.putBack(messages));
    return troubles;
  }

  /** What we have sent ourselves is in the ledger, unless that has not lasted: other messages are read. */
  #open(messages: readonly IncomingMessage[]): {
    readonly settlements: readonly Settlement[];
    readonly unknown: readonly NewJob[];
    readonly troubles: readonly AfterwordError[];
  } {
    const unknown: NewJob[] = [];
    const troubles: AfterwordError[] = [];
    const settlements = messages.map((message): Settlement => {
      if (this.#isDurable && isOwn(message.content)) return { message, send: [] };
      const opened = this.#openForeign(message);
      if ("carried" in opened) {
        unknown.push(toStoredJob(opened.carried, Date.now()));
        return { message, send: [] };
      }
      troubles.push(opened.trouble);
      return { message, send: opened.send };
    });
    return { settlements, unknown, troubles };
  }

  #openForeign(message: IncomingMessage): OpenedMessage {
    const opened = openMessage(message);
    if (!("carried" in opened) || uuid.test(opened.carried.job.id)) return opened;
    const reason = `Its id ${formatValue(opened.carried.job.id, 100)} is no UUID, and a job that is stored needs one.`;
    return refuseMessage(message, new UndecodableMessage("invalid_headers", reason));
  }

  async #storeUnknown(jobs: readonly NewJob[]): Promise<void> {
    const known = await this.#ledger.get({ ids: jobs.map(({ id }) => id) });
    await this.#ledger.enqueue({ jobs: jobs.filter((_, index) => known[index] === undefined) });
  }

  async extend(request: RequestOf<"extend">): Promise<Extension> {
    const { worker } = request;
    if (!this.#receivers.has(worker.id)) {
      this.#receivers.set(worker.id, this.#receive(worker));
    }
    return this.#ledger.extend(request);
  }

  #receive(worker: WorkerInfo): Receiver {
    // Not the id of a job, so that nobody takes it for news of one.
    const tell = (): void => this.#news.add("");
    const inlet = this.#carrier.receive(worker, {
      arrived: tell,
      lost: tell,
      failed: (error) => {
        receiver.troubles.push(error);
        tell();
      },
    });
    const receiver = new Receiver(inlet);
    return receiver;
  }

  async finish(request: RequestOf<"finish">): Promise<readonly boolean[]> {
    const accepted = await this.#ledger.finish(request);
    const returned = request.endings.filter(({ ending }) => ending.status === "released").map(({ id }) => id);
    if (returned.length > 0) await this.#announce(returned);
    return accepted;
  }

  /** Others need not sweep to find what was given back. */
  async #announce(ids: readonly string[]): Promise<void> {
    try {
      const jobs = await this.#ledger.get({ ids });
      const waiting = jobs.filter((job) => job?.status === "queued").map((job) => job!);
      await this.#carrier.publish(waiting.map((job) => toMessage({ ...job, delayMs: 0, expiresMs: undefined })));
    } catch {
      // It is no more than a hint.
    }
  }

  async leave(request: RequestOf<"leave">): Promise<void> {
    const receiver = this.#receivers.get(request.worker);
    this.#receivers.delete(request.worker);
    await receiver?.inlet.close();
    await this.#ledger.leave(request);
  }

  subscribe(listener: ChangeListener): () => void {
    const ends = [
      this.#ledger.subscribe((ids) => {
        // Something may have become claimable of which no message tells.
        for (const receiver of this.#receivers.values()) receiver.sweepSoon();
        listener(ids);
      }),
      this.#news.subscribe(listener),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  // What the ledger alone can say

  retry(request: RequestOf<"retry">): AnswerOf<"retry"> {
    return this.#ledger.retry(request);
  }

  resume(request: RequestOf<"resume">): AnswerOf<"resume"> {
    return this.#ledger.resume(request);
  }

  holds(request: RequestOf<"holds">): AnswerOf<"holds"> {
    return this.#ledger.holds(request);
  }

  report(request: RequestOf<"report">): AnswerOf<"report"> {
    return this.#ledger.report(request);
  }

  get(request: RequestOf<"get">): AnswerOf<"get"> {
    return this.#ledger.get(request);
  }

  list(request: RequestOf<"list">): AnswerOf<"list"> {
    return this.#ledger.list(request);
  }

  counts(): AnswerOf<"counts"> {
    return this.#ledger.counts();
  }

  cancel(request: RequestOf<"cancel">): AnswerOf<"cancel"> {
    return this.#ledger.cancel(request);
  }

  remove(request: RequestOf<"remove">): AnswerOf<"remove"> {
    return this.#ledger.remove(request);
  }

  purge(request: RequestOf<"purge">): AnswerOf<"purge"> {
    return this.#ledger.purge(request);
  }

  pause(request: RequestOf<"pause">): AnswerOf<"pause"> {
    return this.#ledger.pause(request);
  }

  putSchedule(request: RequestOf<"putSchedule">): AnswerOf<"putSchedule"> {
    return this.#ledger.putSchedule(request);
  }

  removeSchedule(request: RequestOf<"removeSchedule">): AnswerOf<"removeSchedule"> {
    return this.#ledger.removeSchedule(request);
  }

  schedules(): AnswerOf<"schedules"> {
    return this.#ledger.schedules();
  }

  pauseSchedule(request: RequestOf<"pauseSchedule">): AnswerOf<"pauseSchedule"> {
    return this.#ledger.pauseSchedule(request);
  }

  workers(): AnswerOf<"workers"> {
    return this.#ledger.workers();
  }
}

function isReady({ delayMs, after }: NewJob): boolean {
  return delayMs === 0 && after === undefined;
}

/** What a message alone knew of a job is for the ledger to know. */
function toStoredJob({ job, notBefore = 0, expiresAt }: CarriedJob, nowMs: number): NewJob {
  return {
    ...job,
    delayMs: Math.max(0, notBefore - nowMs),
    expiresMs: expiresAt === undefined ? undefined : Math.max(0, expiresAt - nowMs),
  };
}

function toMessage(job: NewJob): OutgoingMessage {
  const { queue, priority } = job;
  return { queue, place: "back", priority, delayMs: 0, content: encodeJob(toCarriedJob(job, Date.now())) };
}
