import { loadavg } from "node:os";
import type { LamportClock } from "../../celery/clock.ts";
import {
  createEvent,
  encodeEvent,
  encodeEvents,
  eventRoutingKey,
  manyEventsRoutingKey,
  type CeleryEvent,
} from "../../celery/event.ts";
import type { EventFields, EventType } from "../../celery/event-fields.ts";
import { software } from "./control/software.ts";
import type { Mailbox } from "./mailbox.ts";
import type { TaskEvent } from "./task-event.ts";

/** Seconds between two heartbeats of a worker, as of Celery's own. */
const heartbeatSeconds = 2;
/** Events of tasks wait so long for others to travel with, and no more than so many do. */
const bufferMs = 100;
const maxBuffered = 100;

type WorkerEventType = Extract<EventType, `worker-${string}`>;

/** What a worker does now. */
export interface WorkerLoad {
  readonly active: number;
  readonly processed: number;
}

/** What a node tells whoever watches: of itself always, of its tasks when it is asked to. What cannot be sent is forgotten. */
export class WorkerEvents {
  /** Whether events of tasks are wanted. */
  isWatched = false;
  readonly #nodename: string;
  readonly #mailbox: Mailbox;
  readonly #clock: LamportClock;
  readonly #load: () => WorkerLoad;
  #buffer: CeleryEvent[] = [];
  #flushing: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(nodename: string, mailbox: Mailbox, clock: LamportClock, load: () => WorkerLoad) {
    this.#nodename = nodename;
    this.#mailbox = mailbox;
    this.#clock = clock;
    this.#load = load;
  }

  /** Somebody may hear it, from now on or again. */
  start(): void {
    void this.tell("worker-online");
    this.#heartbeat ??= setInterval(() => void this.tell("worker-heartbeat"), heartbeatSeconds * 1_000).unref();
  }

  /** Says goodbye, if it has said hello. */
  async stop(): Promise<void> {
    const hasStarted = this.#heartbeat !== undefined;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    const flushed = this.#flush();
    if (hasStarted) await this.tell("worker-offline");
    await flushed;
  }

  async tell(type: WorkerEventType): Promise<void> {
    const [one = 0, five = 0, fifteen = 0] = loadavg();
    const fields: EventFields[WorkerEventType] = {
      freq: heartbeatSeconds,
      ...this.#load(),
      loadavg: [toHundredths(one), toHundredths(five), toHundredths(fifteen)],
      ...software,
    };
    // Nobody hears of its tasks afterwards what came before.
    void this.#flush();
    await this.#send(eventRoutingKey(type), encodeEvent(this.#create(type, fields)));
  }

  tellTask([type, fields]: TaskEvent): void {
    this.#buffer.push(this.#create(type, fields));
    if (this.#buffer.length >= maxBuffered) void this.#flush();
    else this.#flushing ??= setTimeout(() => void this.#flush(), bufferMs).unref();
  }

  #create<T extends EventType>(type: T, fields: EventFields[T]): CeleryEvent {
    const at = Date.now();
    const sender = { hostname: this.#nodename, pid: process.pid, clock: this.#clock.forward(), at };
    return { ...createEvent(type, fields, sender), utcOffset: hoursBehindUtc(at) };
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const [first, ...others] = this.#buffer;
    this.#buffer = [];
    if (first !== undefined) await this.#send(manyEventsRoutingKey, encodeEvents([first, ...others]));
  }

  async #send(routingKey: string, message: Parameters<Mailbox["publishEvents"]>[1]): Promise<void> {
    await this.#mailbox.publishEvents(routingKey, message).catch(() => {});
  }
}

/**
 * Whoever watches takes the difference to its own from the time, though that is in UTC (celery/events/receiver.py): with the
 * offset of Celery's own workers on this machine, ours are as right as those.
 */
function hoursBehindUtc(at: number): number {
  // Python rounds down, and knows no -0.
  return Math.floor(new Date(at).getTimezoneOffset() / 60) + 0;
}

function toHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
