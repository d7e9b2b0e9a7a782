import type { LamportClock } from "../../../celery/clock.ts";
import { decodeControlRequest, encodeControlReply, type ControlRequest } from "../../../celery/control.ts";
import { toControlCommand } from "../../../celery/control-command.ts";
import { isAddressedTo } from "../../../celery/control-destination.ts";
import type { JsonValue } from "../../../celery/json.ts";
import type { ReceivedMessage, TaskMessage } from "../../../celery/message.ts";
import type { NewTaskResult } from "../../../celery/result.ts";
import type { WorkerInfo } from "../../../tasks/broker.ts";
import type { Mailbox, MailboxListener } from "../mailbox.ts";
import type { Taken } from "../transport.ts";
import { endedEvent, receivedEvent } from "../task-event.ts";
import { WorkerEvents } from "../worker-events.ts";
import { answer } from "./answer.ts";

/** The tasks of so many names are counted apart. */
const maxTotals = 1_000;

/** A task that a worker runs now. */
export interface RunningTask {
  readonly message: TaskMessage;
  readonly taken: Pick<Taken, "queue">;
  readonly startedAt: number;
}

/** What a node needs of those it belongs to. */
export interface NodeParts {
  readonly name: string;
  readonly worker: WorkerInfo;
  readonly defaultQueue: string;
  readonly mailbox: Mailbox;
  readonly clock: LamportClock;
  readonly running: () => readonly RunningTask[];
  /** The tasks that wait for their time in some queues; the first of many. */
  readonly scheduled: (queues: readonly string[]) => Promise<readonly TaskMessage[]>;
  readonly revoked: () => readonly string[];
  /** Takes note of tasks that nobody wants. @param terminate - whether those are stopped that run */
  readonly revoke: (ids: readonly string[], terminate: boolean) => Promise<void>;
  /** The queues are others now. */
  readonly onQueues: () => void;
}

/** A worker of ours as one of Celery's: it does what it is asked over remote control, and tells what happens. */
export class Node implements MailboxListener {
  readonly parts: NodeParts;
  readonly events: WorkerEvents;
  readonly startedAt: number = Date.now();
  /** How many tasks of each name were started. */
  readonly totals: Map<string, number> = new Map();
  #processed = 0;
  /** Only if they are no longer those that it was started with. */
  #queues: readonly string[] | undefined;

  constructor(parts: NodeParts) {
    this.parts = parts;
    this.events = new WorkerEvents(parts.name, parts.mailbox, parts.clock, () => ({
      active: parts.running().length,
      processed: this.#processed,
    }));
  }

  get queues(): readonly string[] {
    return this.#queues ?? this.parts.worker.queues;
  }

  addQueue(queue: string): void {
    this.#queues = [...new Set([...this.queues, queue])];
    this.parts.onQueues();
  }

  removeQueue(queue: string): void {
    this.#queues = this.queues.filter((known) => known !== queue);
    this.parts.onQueues();
  }

  // What happens to its tasks

  received(message: TaskMessage): void {
    if (this.events.isWatched) this.events.tellTask(receivedEvent(message));
  }

  started({ id, task }: TaskMessage): void {
    this.#processed++;
    const total = this.totals.get(task) ?? 0;
    // Anybody can send tasks by any name.
    if (total > 0 || this.totals.size < maxTotals) this.totals.set(task, total + 1);
    if (this.events.isWatched) this.events.tellTask(["task-started", { uuid: id }]);
  }

  /** @param startedAt - `undefined` if it was not run */
  ended(result: NewTaskResult, startedAt: number | undefined, isExpired: boolean): void {
    if (this.events.isWatched) this.events.tellTask(endedEvent(result, startedAt, isExpired, Date.now()));
  }

  givenBack(id: string): void {
    if (this.events.isWatched) this.events.tellTask(["task-rejected", { uuid: id, requeue: true }]);
  }

  // MailboxListener

  ready(): void {
    this.events.start();
  }

  request(message: ReceivedMessage): void {
    let request: ControlRequest;
    try {
      request = decodeControlRequest(message);
    } catch {
      // What cannot be read does not say who waits for an answer.
      return;
    }
    const { clock, expiresAt, replyTo, ticket } = request;
    this.parts.clock.receive(clock);
    if (!isAddressedTo(this.parts.name, request)) return;
    // 0 stands for never.
    if (expiresAt !== undefined && expiresAt > 0 && expiresAt < Date.now()) return;
    void this.#answer(request).then((value) => {
      if (replyTo === undefined) return;
      const reply = { hostname: this.parts.name, value, ticket, clock: this.parts.clock.forward() };
      // When it cannot be sent, whoever asked has waited in vain, and asks again.
      return this.parts.mailbox.reply(replyTo, encodeControlReply(reply)).catch(() => {});
    });
  }

  async #answer(request: ControlRequest): Promise<JsonValue> {
    try {
      return await answer(toControlCommand(request), this);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }
}
