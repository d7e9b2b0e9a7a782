import { setImmediate as nextTurn } from "node:timers/promises";
import type { ReceivedMessage } from "../../../celery/message.ts";
import { toAmqpPriority } from "../../../celery/priority.ts";
import { AfterwordError } from "../../../internal/afterword-error.ts";
import type { ChangeListener, WorkerInfo } from "../../../tasks/broker.ts";
import type { NewJob } from "../../../tasks/job.ts";
import { StoreError } from "../../../tasks/store-error.ts";
import type { Settlement } from "../../carried/carrier.ts";
import { idOf, Interrupted } from "../../carried/interrupted.ts";
import { Changes } from "../../pulled/changes.ts";
import type { AmqpCarrier } from "../../rabbitmq/amqp-carrier.ts";
import type { Canvas, ToPriority } from "../job-canvas.ts";
import type { Results } from "../results.ts";
import type { Conclusion, OnComplete, StoredTask, Taken, TaskReport, Transport } from "../transport.ts";
import type { AmqpMailbox } from "./amqp-mailbox.ts";
import { Arrivals } from "./arrivals.ts";
import { ReceivedTasks, type ReceivedTask } from "./received-tasks.ts";
import { toCopy, toDeadLetter, toQueued, toTaskPublication } from "./task-publication.ts";

/** A worker asks again soon, when its first sign of life was lost. */
const soonMs = 100;

/** Celery's messages in RabbitMQ, acknowledged when their results are where those belong. */
export class AmqpTransport implements Transport {
  readonly toPriority: ToPriority = toAmqpPriority;
  readonly replyTo: string | undefined;
  readonly mailbox: AmqpMailbox;
  readonly #carrier: AmqpCarrier;
  readonly #results: Results;
  readonly #changes = new Changes();
  readonly #receivers = new Map<string, ReceivedTasks>();
  readonly #interrupted = new Interrupted();
  readonly #arrivals: Arrivals;
  /** Jobs that are being stored. */
  readonly #sending = new Map<string, Promise<void>>();
  #lastTag = 0;

  constructor(carrier: AmqpCarrier, results: Results, mailbox: AmqpMailbox) {
    this.#carrier = carrier;
    this.#results = results;
    this.#arrivals = new Arrivals(results, this.#interrupted);
    this.replyTo = results.replyTo;
    this.mailbox = mailbox;
  }

  async open(): Promise<void> {
    await this.#carrier.open();
    try {
      await this.#results.open();
    } catch (error) {
      await this.#carrier.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#receivers.values(), ({ inlet }) => inlet.close()));
    this.#receivers.clear();
    await Promise.all([this.#results.close(), this.mailbox.close()]);
    await this.#carrier.close();
  }

  async enqueue(jobs: readonly NewJob[], canvas: Canvas): Promise<void> {
    if (canvas.chords.length > 0) this.#assertChords();
    await this.#carrier.ready();
    const ids = jobs.map(({ id }) => id);
    // The same job may be on its way already.
    for (let others = this.#sendingOf(ids); others.length > 0; others = this.#sendingOf(ids))
      await Promise.allSettled(others);
    const sending = this.#enqueue(jobs, ids, canvas);
    for (const id of ids) this.#sending.set(id, sending);
    try {
      await sending;
    } finally {
      for (const id of ids) if (this.#sending.get(id) === sending) this.#sending.delete(id);
    }
  }

  #sendingOf(ids: readonly string[]): readonly Promise<void>[] {
    return ids.flatMap((id) => this.#sending.get(id) ?? []);
  }

  async #enqueue(jobs: readonly NewJob[], ids: readonly string[], canvas: Canvas): Promise<void> {
    const known = await this.#results.note(jobs, canvas);
    try {
      await this.#send(canvas.sends.filter(({ message }) => !known.has(message.id)));
    } catch (error) {
      // What was not sent is known to nobody.
      if (error instanceof StoreError && error.code === "not_stored") await this.#results.drop(ids).catch(() => {});
      throw error;
    }
    this.#results.sent(ids);
  }

  /** @throws {AfterwordError} with code `unsupported` */
  #assertChords(): void {
    const { noChords } = this.#results;
    if (noChords === undefined) return;
    throw new AfterwordError(
      "unsupported",
      `A group or a chord needs to know which of its parts have ended, but ${noChords}. A chain works as it is.`,
    );
  }

  /** @param from - the queue whose dead letters get what follows from its jobs and can be in no queue; an error unless given */
  async #send(sends: Canvas["sends"], from?: string): Promise<void> {
    const nowMs = Date.now();
    const publications = sends.map((send) => toTaskPublication(send, nowMs));
    await this.#carrier.publish(from === undefined ? publications : publications.map((each) => toQueued(each, from)));
  }

  // Handing out

  async claim({
    worker,
    queues,
    count,
    leaseMs,
    maxDeliveries,
  }: Parameters<Transport["claim"]>[0]): ReturnType<Transport["claim"]> {
    const receiver = this.#receivers.get(worker);
    if (receiver === undefined) return { taken: [], refused: [], nextMs: soonMs };
    receiver.inlet.serve(queues);
    const arrivals = receiver.inlet.take(count);
    const troubles = receiver.troubles.splice(0);
    if (arrivals.length === 0) return { taken: [], refused: [], nextMs: undefined, troubles };
    try {
      const { opened, settlements, unreadable } = this.#arrivals.open(arrivals);
      await this.#arrivals.refuse(unreadable);
      const messages = opened.map(({ message }) => message);
      const begun = await this.#results.begin(worker, messages, maxDeliveries);
      const taken: ReceivedTask[] = [];
      for (const [index, { arrival, message }] of opened.entries()) {
        const task = begun[index];
        if (task === undefined) {
          settlements.push({ message: arrival, send: [] });
          continue;
        }
        const { epoch, deliveries, revoked } = task;
        const tag = `${++this.#lastTag}`;
        const leaseEndMs = performance.now() + leaseMs;
        const { queue, content } = arrival;
        const known = { queue, tag, content, epoch, deliveries, revoked, message };
        const received = { ...known, receiver, arrival, task, leaseEndMs, isSent: false, isConcluded: false };
        receiver.add(received);
        taken.push(received);
      }
      await this.#settle(receiver, settlements);
      const refused = unreadable.map(({ arrival, error }) => ({ queue: arrival.queue, reason: error.message }));
      return { taken, refused, nextMs: settlements.length > 0 ? 0 : undefined, troubles };
    } catch (error) {
      receiver.troubles.push(...troubles);
      receiver.inlet.putBack(arrivals);
      throw error;
    }
  }

  async #settle({ inlet }: ReceivedTasks, settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    try {
      await inlet.settle(settlements);
      // What was settled leaves this process before a job comes that may end it.
      await nextTurn();
    } catch {
      // It is looked at again.
      inlet.putBack(settlements.map(({ message }) => message));
    }
  }

  async giveBack(_worker: string, taken: Taken, _id: string, dueAt: number | undefined): Promise<boolean> {
    const { receiver, arrival, task, tag } = taken as ReceivedTask;
    if (receiver.find(tag) === undefined || !(await this.#results.release(task, dueAt))) return false;
    // One that was given back by the server counts as one whose worker has died, where only its message can count.
    if (dueAt === undefined && this.#results.countsDeliveries) receiver.inlet.giveUp(arrival);
    else await receiver.inlet.settle([{ message: arrival, send: [toCopy(arrival, (dueAt ?? 0) - Date.now())] }]);
    receiver.delete(taken);
    this.#changes.add(task.message.id);
    return true;
  }

  async finish(
    _worker: string,
    taken: Taken,
    id: string,
    conclusion: Conclusion,
    onComplete: OnComplete,
  ): Promise<boolean> {
    const received = taken as ReceivedTask;
    const { receiver, arrival } = received;
    if (receiver.find(taken.tag) === undefined) return false;
    const endedAtMs = performance.now();
    const isFinal = conclusion.record.keepMs !== undefined;
    // What follows is there before the task has ended: whoever dies in between sends it again.
    if (isFinal) await this.#sendOnce(received, conclusion);
    if (!received.isConcluded) {
      const isStored = await this.#results.conclude(received.task, conclusion, onComplete, endedAtMs, (sends) =>
        this.#send(sends, taken.queue),
      );
      if (!isStored) return this.#abandon(received);
      received.isConcluded = true;
    }
    // The next attempt begins when this one is known to be over.
    if (!isFinal) await this.#sendOnce(received, conclusion);
    const [isSettled = false] = await receiver.inlet.settle([{ message: arrival, send: [] }]);
    receiver.delete(taken);
    this.#changes.add(id);
    return isSettled;
  }

  async #sendOnce(received: ReceivedTask, { sends }: Conclusion): Promise<void> {
    if (received.isSent) return;
    await this.#send(sends, received.queue);
    received.isSent = true;
  }

  /** By the record it is not this worker's: it has ended, or was sent twice and runs elsewhere, or nobody knows of it any more. */
  async #abandon(received: ReceivedTask): Promise<false> {
    const { receiver, arrival, task } = received;
    const [known] = await this.#results.find([task.message.id]);
    const { ended, epoch } = known?.record ?? {};
    if (ended === undefined && Number(epoch ?? 0) <= task.epoch) receiver.inlet.giveUp(arrival);
    else await receiver.inlet.settle([{ message: arrival, send: [] }]);
    receiver.delete(received);
    return false;
  }

  async setAside(taken: Taken, reason: string): Promise<void> {
    await this.#carrier.publish([toDeadLetter((taken as ReceivedTask).arrival, reason)]);
  }

  async extend({ worker, leaseMs, holds }: Parameters<Transport["extend"]>[0]): ReturnType<Transport["extend"]> {
    const receiver = this.#receivers.get(worker.id) ?? this.#receive(worker);
    receiver.renew(
      holds.map(({ tag }) => tag),
      leaseMs,
    );
    const tasks = holds.map(({ tag }) => receiver.find(tag));
    const lost = holds.filter((_, index) => tasks[index] === undefined).map(({ id }) => id);
    const held = tasks.flatMap((each) => (each === undefined ? [] : [each.task]));
    if (held.length === 0) return { lost, revoked: [] };
    const known = await this.#results.extend(worker.id, held);
    return { lost: [...lost, ...known.lost], revoked: known.revoked };
  }

  #receive(worker: WorkerInfo): ReceivedTasks {
    // Not the id of a job, so that nobody takes it for news of one.
    const tell = (): void => this.#changes.add("");
    const inlet = this.#carrier.receive(worker, {
      arrived: tell,
      lost: (waiting) => {
        for (const message of waiting) this.#interrupted.add(idOf(message));
        for (const { task } of receiver.clear()) {
          this.#interrupted.add(task.message.id);
          // Its worker has not died. Whoever has it by now is not disturbed.
          this.#results.release(task, undefined).catch(() => {});
        }
        this.#changes.addAll();
      },
      failed: (error) => {
        receiver.troubles.push(error);
        tell();
      },
    });
    const receiver = new ReceivedTasks(inlet);
    this.#receivers.set(worker.id, receiver);
    // Its tasks may be tried again. If it cannot be made now, it is with the first delay.
    this.#carrier.prepareDelays().catch(() => {});
    return receiver;
  }

  async holds(worker: string): ReturnType<Transport["holds"]> {
    const all = this.#receivers.get(worker)?.all() ?? [];
    return all.map(({ epoch, task }) => ({ id: task.message.id, epoch }));
  }

  async leave(worker: string): Promise<void> {
    const receiver = this.#receivers.get(worker);
    this.#receivers.delete(worker);
    await receiver?.inlet.close();
  }

  async report(_worker: string, taken: Taken, _id: string, report: TaskReport): Promise<void> {
    const { receiver, tag, task } = taken as ReceivedTask;
    if (receiver.find(tag) !== undefined) await this.#results.report(task, report);
  }

  // Asking

  find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]> {
    return this.#results.find(ids);
  }

  revoke(...[ids, results, reason]: Parameters<Transport["revoke"]>): ReturnType<Transport["revoke"]> {
    return this.#results.revoke(ids, results, reason);
  }

  noteRevoked(...[ids, results, reason, isForRunning]: Parameters<Transport["noteRevoked"]>): Promise<void> {
    return this.#results.noteRevoked(ids, results, reason, isForRunning);
  }

  /** What waits for its time is between queues, where nobody can look. */
  async delayed(): Promise<readonly ReceivedMessage[]> {
    return [];
  }

  subscribe(listener: ChangeListener): () => void {
    const unsubscribes = [this.#changes.subscribe(listener), this.#results.subscribe(listener)];
    return () => unsubscribes.forEach((unsubscribe) => unsubscribe());
  }
}
