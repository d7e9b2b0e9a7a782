import { randomUUID } from "node:crypto";
import { encodeTaskMessage } from "../../../celery/encode-message.ts";
import { toRedisPriority } from "../../../celery/priority.ts";
import { decodeEnvelope, decodeUnacked, encodeEnvelope, markRedelivered } from "../../../celery/redis-envelope.ts";
import { queueKey } from "../../../celery/redis-keys.ts";
import type { UndecodableMessage } from "../../../celery/undecodable-message.ts";
import type { ChangeListener } from "../../../tasks/broker.ts";
import { Connection, type Reply } from "../../redis/connection.ts";
import type { RedisConfig } from "../../redis/options.ts";
import type { Canvas, ToPriority } from "../job-canvas.ts";
import type { NewJob } from "../../../tasks/job.ts";
import { recordMs, toRecord } from "../result-job.ts";
import type { Conclusion, OnComplete, Refused, StoredTask, Taken, TaskReport, Transport } from "../transport.ts";
import { loadEngine } from "./load-engine.ts";
import { RedisMailbox } from "./redis-mailbox.ts";
import { ResultHints } from "./result-hints.ts";
import { TaskRecords, toRevoked } from "./task-records.ts";

const etaHeader = "afterword_eta";
/** Without news, a queue is asked again after so long at first, and after so long at last: Python's senders send no hints. */
const firstIdleMs = 20;
const maxIdleMs = 1_000;

/** What a dead worker has; the queue is `""` if it is one of Celery's. */
type StaleEntry = [tag: string, entry: string, digest: string, queue: string];

/** Celery's messages and results in Redis. */
export class RedisTransport implements Transport {
  readonly toPriority: ToPriority = toRedisPriority;
  readonly mailbox: RedisMailbox;
  readonly #connection: Connection;
  readonly #records: TaskRecords;
  readonly #hints: ResultHints;
  readonly #visibilityMs: number;
  #idleMs = firstIdleMs;

  /** @param visibilityMs - so long Celery's own workers may have a message */
  constructor(config: RedisConfig, visibilityMs: number) {
    this.#visibilityMs = visibilityMs;
    this.#connection = new Connection(config, loadEngine);
    this.#records = new TaskRecords(this.#connection);
    this.#hints = new ResultHints(config, this.#connection);
    this.mailbox = new RedisMailbox(config, this.#connection);
  }

  async open(): Promise<void> {
    await this.#connection.open();
    this.#hints.open();
  }

  async close(): Promise<void> {
    this.#hints.close();
    this.mailbox.close();
    await this.#connection.close();
  }

  async enqueue(jobs: readonly NewJob[], { sends, chords }: Canvas): Promise<void> {
    await this.#records.chords(chords);
    const byId = new Map(sends.map((send) => [send.message.id, send]));
    const nowMs = Date.now();
    const args = jobs.flatMap((job) => {
      const { id, delayMs, expiresMs } = job;
      const [list = "", text = ""] = toMessageArguments(byId.get(id), nowMs);
      return [id, toRecord(job), delayMs || "", expiresMs ?? "", recordMs(job), list, text];
    });
    if (args.length > 0) await this.#connection.ask("enqueue", args);
  }

  async claim({
    worker,
    queues,
    count,
    leaseMs,
    maxDeliveries,
  }: Parameters<Transport["claim"]>[0]): ReturnType<Transport["claim"]> {
    const reply = await this.#connection.ask("claim", [
      worker,
      count,
      leaseMs,
      this.#visibilityMs,
      maxDeliveries,
      ...queues,
    ]);
    const [messages, aside, stale, soonMs] = reply as [Reply[][], Reply[][], StaleEntry[], number];
    const taken: Taken[] = [];
    const refused: Refused[] = aside.map(([queue, reason]) => ({ queue: String(queue), reason: String(reason) }));
    for (const [queue, tag, text, epoch, deliveries, revoked] of messages) {
      taken.push({
        queue: String(queue),
        tag: String(tag),
        content: toContent(String(text)),
        epoch: Number(epoch),
        deliveries: Number(deliveries),
        revoked: toRevoked(revoked),
      });
    }
    for (const entry of stale) await this.#takeBack(entry);
    const isIdle = taken.length === 0 && stale.length === 0;
    this.#idleMs = isIdle ? Math.min(maxIdleMs, this.#idleMs * 2) : firstIdleMs;
    return { taken, refused, nextMs: soonMs < 0 ? this.#idleMs : Math.min(soonMs, this.#idleMs) };
  }

  /** What a dead worker had runs next; what cannot be read is set aside, or it would be looked at forever. */
  async #takeBack([tag, entry, digest, queue]: StaleEntry): Promise<void> {
    let place: readonly (string | number)[] = ["", "celery", 0, entry];
    let reason = "";
    try {
      if (entry !== "") {
        const { properties, exchange, routingKey } = decodeUnacked(entry);
        const [envelope] = JSON.parse(entry) as readonly unknown[];
        const priority = Number(properties.priority ?? 0) || 0;
        place = [exchange, routingKey, priority, markRedelivered(JSON.stringify(envelope))];
      }
    } catch (error) {
      reason = (error as Error).message;
    }
    await this.#connection.ask("takeBack", [tag, digest, queue, ...place, reason]);
  }

  async giveBack(worker: string, taken: Taken, id: string, dueAt: number | undefined): Promise<boolean> {
    const { tag, epoch, queue, content } = taken;
    const list = dueAt === undefined ? queueKey(queue, Number(content.properties?.priority ?? 0)) : queue;
    return (await this.#connection.ask("giveBack", [worker, tag, id, epoch, list, dueAt ?? ""])) === 1;
  }

  async finish(
    worker: string,
    taken: Taken,
    id: string,
    conclusion: Conclusion,
    onComplete: OnComplete,
  ): Promise<boolean> {
    const held = { worker, tag: taken.tag, id, epoch: taken.epoch };
    return this.#records.finish(held, conclusion, onComplete, performance.now(), (sends, isLater) =>
      isLater ? sends.flatMap((send) => toLaterArguments(send)) : toSendArguments(sends),
    );
  }

  async setAside({ queue, tag }: Taken, reason: string): Promise<void> {
    await this.#connection.ask("setAside", [queue, tag, reason]);
  }

  extend({ worker, leaseMs, holds }: Parameters<Transport["extend"]>[0]): ReturnType<Transport["extend"]> {
    return this.#records.extend(worker.id, leaseMs, holds);
  }

  async holds(worker: string): ReturnType<Transport["holds"]> {
    const reply = (await this.#connection.ask("holds", [worker])) as Reply[][];
    return reply.map(([, id, epoch]) => ({ id: String(id), epoch: Number(epoch) }));
  }

  report(worker: string, { tag, epoch }: Taken, id: string, report: TaskReport): Promise<void> {
    return this.#records.report({ worker, tag, id, epoch }, report);
  }

  /** A worker that falls silent is forgotten after its lease. */
  async leave(): Promise<void> {}

  find(ids: readonly string[]): Promise<readonly (StoredTask | undefined)[]> {
    return this.#records.find(ids);
  }

  revoke(ids: readonly string[], results: readonly string[], reason: string): ReturnType<Transport["revoke"]> {
    return this.#records.revoke(ids, results, reason);
  }

  noteRevoked(...[ids, results, reason, isForRunning]: Parameters<Transport["noteRevoked"]>): Promise<void> {
    return this.#records.noteRevoked(ids, results, reason, isForRunning);
  }

  async delayed(queues: readonly string[], count: number): ReturnType<Transport["delayed"]> {
    return ((await this.#connection.ask("delayed", [count, ...queues])) as readonly string[]).map(toContent);
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#hints.subscribe(listener);
  }
}

function toContent(text: string): Taken["content"] {
  try {
    const { headers, properties, body, isRedelivered } = decodeEnvelope(text);
    return { headers, properties, body, isRedelivered };
  } catch (error) {
    return { headers: headersOf(text), body: Buffer.from(text), refusal: error as UndecodableMessage };
  }
}

/** Of an envelope that is refused: whom to tell may stand in them. */
function headersOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly headers?: unknown }).headers;
  } catch {
    return undefined;
  }
}

function toSendArguments(sends: Canvas["sends"]): readonly string[] {
  const nowMs = Date.now();
  return sends.flatMap((send) => [send.message.id, ...toMessageArguments(send, nowMs)]);
}

function toLaterArguments(send: Canvas["sends"][number]): readonly string[] {
  const [, text] = toMessageArguments(send, Date.now());
  return [send.message.id, send.queue, text!];
}

/** The list of a message, and its text. */
function toMessageArguments(send: Canvas["sends"][number] | undefined, nowMs: number): readonly string[] {
  if (send === undefined) return [];
  const { message, queue } = send;
  const wire = encodeTaskMessage(
    // In a number, so that the script can read it.
    message.eta === undefined ? message : { ...message, headers: { ...message.headers, [etaHeader]: message.eta } },
    nowMs,
  );
  const envelope = encodeEnvelope({ ...wire, exchange: "", routingKey: queue, deliveryTag: randomUUID() });
  return [queueKey(queue, message.priority), envelope];
}
