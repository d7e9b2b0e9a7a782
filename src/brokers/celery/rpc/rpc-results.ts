import { randomUUID } from "node:crypto";
import type { ConsumeMessage } from "amqplib";
import type { ReceivedMessage, TaskMessage } from "../../../celery/message.ts";
import { encodeTaskResult } from "../../../celery/result.ts";
import type { CancelResult, ChangeListener } from "../../../tasks/broker.ts";
import { isFinal, type NewJob } from "../../../tasks/job.ts";
import { deliveriesOf } from "../amqp/task-publication.ts";
import type { AmqpCarrier } from "../../rabbitmq/amqp-carrier.ts";
import type { Publication, Session } from "../../rabbitmq/session.ts";
import type { Canvas } from "../job-canvas.ts";
import { isOwnMessage } from "../job-headers.ts";
import type { BegunTask, Results } from "../results.ts";
import type { Conclusion, OnComplete, Results as StoredResults, StoredTask, TaskReport } from "../transport.ts";
import { decodeAnswer, encodeAnswer, type Answer, type AnswerNote } from "./answer.ts";
import { RecentIds } from "./recent-ids.ts";
import { TaskMemory } from "./task-memory.ts";

/** A queue of answers that nobody reads any more is deleted by the server after so long. */
const abandonedMs = 3_600_000;
const againMs = 500;
/** So long it is known of a message that it could not be read. */
const refusedMs = 86_400_000;
const maxRemembered = 50_000;

interface Revocation {
  readonly reason: string;
  readonly isForRunning: boolean;
}

/**
 * Celery's `rpc://` results: each is a message to the queue of whoever has sent the task, and nobody else can ask for it. What is
 * known of jobs is known to the process that has sent them.
 */
export class RpcResults implements Results {
  readonly replyTo: string = randomUUID();
  readonly countsDeliveries = false;
  readonly noChords =
    'results travel as messages to whoever has sent a task (rpc://), so that nobody can count which parts have ended. Give the broker a place for results that all workers share: celery(url, { results: "redis://127.0.0.1:6379/0" }), with the same result_backend in Celery';
  readonly #carrier: AmqpCarrier;
  readonly #memory = new TaskMemory();
  readonly #revoked = new Map<string, Revocation>();
  readonly #ended = new RecentIds(maxRemembered);
  #endReceiving: (() => void) | undefined;
  #lastEpoch = 0;

  constructor(carrier: AmqpCarrier) {
    this.#carrier = carrier;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#endReceiving === undefined) return;
    this.#endReceiving();
    this.#endReceiving = undefined;
    // Without it the server deletes it later.
    await this.#carrier
      .declare(`no ${this.replyTo}`, async (channel) => void (await channel.deleteQueue(this.replyTo)))
      .catch(() => {});
  }

  // Who sends

  async note(jobs: readonly NewJob[], { sends }: Canvas): Promise<ReadonlySet<string>> {
    await this.#carrier.declare(this.replyTo, async (channel) => void (await channel.assertQueue(...this.#queue)));
    this.#endReceiving ??= this.#carrier.onReceiving((session) => void this.#receive(session));
    const sent = new Set(sends.map(({ message }) => message.id));
    const known = jobs.filter(({ id }) => this.#memory.isSent(id));
    for (const job of jobs) this.#memory.add(job, sent.has(job.id));
    return new Set(known.map(({ id }) => id));
  }

  get #queue(): readonly [string, { durable: boolean; expires: number }] {
    return [this.replyTo, { durable: true, expires: abandonedMs }];
  }

  async #receive(session: Session): Promise<void> {
    const again = (): void => {
      if (this.#endReceiving !== undefined && !session.isOver)
        setTimeout(() => void this.#receive(session), againMs).unref();
    };
    try {
      const channel = await session.model.createChannel();
      channel.on("error", () => {});
      channel.on("close", again);
      await channel.assertQueue(...this.#queue);
      await channel.consume(
        this.replyTo,
        (message) => (message === null ? void channel.close().catch(() => {}) : this.#hear(message)),
        { noAck: true },
      );
    } catch {
      again();
    }
  }

  #hear({ content, properties }: ConsumeMessage): void {
    try {
      this.#memory.hear(decodeAnswer({ headers: properties.headers, properties, body: content }));
    } catch {
      // Whoever answers that has nothing to say that could be read.
    }
  }

  sent(ids: readonly string[]): void {
    this.#memory.sent(ids);
  }

  async drop(ids: readonly string[]): Promise<void> {
    this.#memory.drop(ids);
  }

  async find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]> {
    return ids.map((id) => this.#memory.get(id));
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#memory.subscribe(listener);
  }

  /** Where the message is nobody knows: whoever gets it has heard of this, and answers. */
  async revoke(ids: readonly string[], _results: readonly string[], reason: string): Promise<readonly CancelResult[]> {
    return ids.map((id) => {
      const state = this.#memory.ask(id, reason);
      if (state === "ended") return "ended";
      this.#remember(id, { reason, isForRunning: true });
      return state === undefined ? "unknown" : "requested";
    });
  }

  // Who runs

  /** It was answered, and that its message is done with has not come through. */
  hasEnded({ id, isRedelivered }: TaskMessage): boolean {
    return isRedelivered && this.#ended.has(id);
  }

  async begin(worker: string, messages: readonly TaskMessage[]): Promise<readonly BegunTask[]> {
    return messages.map((message) => {
      const deliveries = deliveriesOf(message) + 1;
      const revoked = this.#revoked.get(message.id)?.reason;
      const task = { worker, message, epoch: this.#nextEpoch(), deliveries, revoked };
      this.#mention(task, started(message), {
        state: "running",
        worker,
        startedAt: `${Date.now()}`,
        retries: `${message.retries}`,
        deliveries: `${deliveries}`,
      });
      return task;
    });
  }

  /** Higher than any before, also of other processes, as far as clocks agree. */
  #nextEpoch(): number {
    return (this.#lastEpoch = Math.max(this.#lastEpoch + 1, Date.now()));
  }

  async release(task: BegunTask, dueAt: number | undefined): Promise<boolean> {
    const deliveries = task.deliveries - 1;
    const { retries } = task.message;
    this.#mention(task, undefined, {
      ...(dueAt === undefined ? { state: "queued" } : { state: "scheduled", runAt: `${dueAt}` }),
      deliveries: `${deliveries}`,
      // An attempt that was never handed out has not begun.
      retries: `${deliveries === 0 ? retries - 1 : retries}`,
    });
    return true;
  }

  async conclude(
    { message }: BegunTask,
    { record, results, sends }: Conclusion,
    _onComplete: OnComplete,
    endedAtMs: number,
  ): Promise<boolean> {
    const { status, keepMs, runInMs, reason, resultText, failure } = record;
    const nowMs = Date.now();
    const endedAt = `${Math.ceil(nowMs - (performance.now() - endedAtMs))}`;
    const note: AnswerNote = {
      record: {
        state: status,
        ...(isFinal(status) && { endedAt }),
        ...(runInMs !== undefined && { runAt: `${nowMs + runInMs}` }),
        ...(reason !== undefined && { reason }),
        ...(resultText !== undefined && { result: resultText }),
      },
      keepMs,
      ...(failure !== undefined && { failure: JSON.stringify(failure) }),
      ...(isFinal(status) && { sent: sends.map((send) => send.message.id) }),
    };
    const others: AnswerNote = { record: { state: "failed", endedAt }, keepMs };
    await this.#answer(
      message.replyTo,
      results.map(([id, text]) => ({ id, text, note: id === message.id ? note : others })),
    );
    if (isFinal(status)) this.#ended.add(message.id);
    return true;
  }

  async refuse({ properties }: ReceivedMessage, results: StoredResults): Promise<void> {
    const { replyTo } = properties ?? {};
    if (typeof replyTo !== "string" || replyTo === "") return;
    const note: AnswerNote = { record: { state: "failed", endedAt: `${Date.now()}` }, keepMs: refusedMs };
    await this.#answer(
      replyTo,
      results.map(([id, text]) => ({ id, text, note })),
    );
  }

  async report(task: BegunTask, { progress, log, result }: TaskReport): Promise<void> {
    const record: Record<string, string> =
      progress === undefined ? {} : { progress: JSON.stringify(progress), progressAt: `${Date.now()}` };
    this.#mention(task, result ?? started(task.message), record, log);
    // Of progress Celery's own programs may know, too.
    if (result !== undefined && !isOwnMessage(task.message))
      await this.#answer(task.message.replyTo, [{ id: task.message.id, text: result, note: undefined }]);
  }

  async extend(_worker: string, tasks: readonly BegunTask[]): ReturnType<Results["extend"]> {
    const revoked = tasks.flatMap(({ message: { id } }) => {
      const revocation = this.#revoked.get(id);
      return revocation?.isForRunning ? [[id, revocation.reason] as const] : [];
    });
    return { lost: [], revoked };
  }

  async noteRevoked(
    ids: readonly string[],
    _results: readonly string[],
    reason: string,
    isForRunning: boolean,
  ): Promise<void> {
    for (const id of ids) if (isForRunning || !this.#revoked.has(id)) this.#remember(id, { reason, isForRunning });
  }

  #remember(id: string, revocation: Revocation): void {
    const known = this.#revoked.get(id);
    if (known?.isForRunning) return;
    this.#revoked.set(id, revocation);
    for (const oldest of this.#revoked.keys()) {
      if (this.#revoked.size <= maxRemembered) break;
      this.#revoked.delete(oldest);
    }
  }

  /** Tells a program of ours how far its task is; that is of the moment, and need not arrive. */
  #mention(
    { message }: BegunTask,
    text: string | undefined,
    record: AnswerNote["record"],
    log?: readonly string[],
  ): void {
    if (message.ignoreResult || !isOwnMessage(message)) return;
    this.#answer(message.replyTo, [{ id: message.id, text, note: { record, log } }]).catch(() => {});
  }

  async #answer(replyTo: string | undefined, answers: readonly Answer[]): Promise<void> {
    if (replyTo === undefined || answers.length === 0) return;
    if (replyTo === this.replyTo) return answers.forEach((answer) => this.#memory.hear(answer));
    await this.#carrier.send(answers.map((answer) => toPublication(answer, replyTo)));
  }
}

function started({ id }: TaskMessage): string {
  return encodeTaskResult({ id, state: "STARTED" });
}

/** Whoever waits for it may have gone: then nobody needs it. */
function toPublication(answer: Answer, replyTo: string): Publication {
  const { headers, properties, body } = encodeAnswer(answer);
  const options = { ...properties, headers, deliveryMode: 2 };
  return { exchange: "", routingKey: replyTo, body, options, isMandatory: false };
}
