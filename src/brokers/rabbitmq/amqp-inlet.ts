import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { WorkerInfo } from "../../tasks/broker.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { IncomingMessage, Inlet, InletListener, OutgoingMessage, Place, Settlement } from "../carried/carrier.ts";
import { within } from "../pulled/within.ts";
import { describe } from "./amqp-error.ts";
import { Arrivals, type Arrival } from "./arrivals.ts";
import type { Session } from "./session.ts";
import type { Source, Topology } from "./topology.ts";

/** What waits here for a free slot, while another worker may have one, is given back after so long. */
const patienceMs = 2_000;
/** So long the server may take for what ends an inlet. */
const closeMs = 1_000;
const flushMs = 20;
const retryMs = 500;
/** So often a server that says nothing is asked whether it is still there. */
const probeMs = 5_000;
const usualPriority = 5;

/** What an inlet asks of its carrier. */
export interface InletServices {
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  declareSources(session: Session, sources: readonly Source[]): Promise<void>;
}

/** Consumes the queues of a worker: as many messages of each as it has slots, by the server's prefetch. */
export class AmqpInlet implements Inlet {
  readonly #slots: number;
  readonly #topology: Topology;
  readonly #services: InletServices;
  readonly #listener: InletListener;
  readonly #arrivals: Arrivals;
  readonly #patience: NodeJS.Timeout;
  #channel: Channel | undefined;
  #session: Session | undefined;
  #queues: readonly string[];
  /** Of the queues that are read, by their names. */
  readonly #tags = new Map<string, string>();
  /** Whether it reads nothing until a slot is free. */
  #isResting = false;
  /** Whether it begins to read again: until it does it is not known what comes first. */
  #isWaking = false;
  /** Changes of what is read, one after the other. */
  #consuming: Promise<void> = Promise.resolve();
  #waiting: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Why it could not begin, as it was told. */
  #told: string | undefined;
  /** Whether all queues are read: until then it is not known what comes first. */
  #isStarted = false;
  #probedAtMs = 0;
  #isClosed = false;

  constructor(worker: WorkerInfo, topology: Topology, services: InletServices, listener: InletListener) {
    this.#slots = worker.slots;
    this.#queues = worker.queues;
    this.#arrivals = new Arrivals(worker.slots);
    this.#topology = topology;
    this.#services = services;
    this.#listener = listener;
    this.#patience = setInterval(() => this.#look(), patienceMs / 2);
    this.#patience.unref();
  }

  /** Begins to consume through a connection that has just come to stand. */
  async start(session: Session): Promise<void> {
    if (this.#isClosed) return;
    if (session.isOver) return this.#tell(new Error("the connection was lost"), session);
    this.#session = session;
    this.#isStarted = false;
    try {
      const channel = await session.model.createChannel();
      channel.on("error", () => {});
      channel.on("close", () => this.#lose(channel, session));
      // It may have been closed in the meantime, and need no channel.
      if (this.#isClosed || session !== this.#session) return void (await channel.close());
      this.#channel = channel;
      await this.#consume(channel, session);
    } catch (error) {
      if (session !== this.#session) return;
      this.#drop();
      this.#startAgain(session, retryMs);
      this.#tell(error, session);
    }
  }

  async #consume(channel: Channel, session: Session): Promise<void> {
    await channel.prefetch(this.#slots);
    this.#isResting = false;
    this.#isWaking = false;
    this.#tags.clear();
    await this.#read(channel, session);
    this.#told = undefined;
    this.#isStarted = true;
    this.#arrivals.begin();
    this.#listener.arrived();
  }

  /** Reads the queues that it is to read and does not yet, and no others any more. */
  async #read(channel: Channel, session: Session): Promise<void> {
    const queues = this.#isResting ? [] : this.#queues;
    const sources = queues.flatMap((queue) => this.#topology.sourcesOf(queue));
    const wanted = new Set(sources.map(({ name }) => name));
    for (const [name, tag] of this.#tags)
      if (!wanted.has(name)) {
        this.#tags.delete(name);
        await channel.cancel(tag);
      }
    const missing = sources.filter(({ name }) => !this.#tags.has(name));
    await this.#services.declareSources(session, missing);
    // What comes first is read first, so that nothing is taken before it.
    for (const { name, queue, isReturned } of missing.toSorted((one, two) => two.rank - one.rank)) {
      const { consumerTag } = await channel.consume(name, (message) => {
        // The queue was deleted, or its node went down: it is made and read again.
        if (message === null) void channel.close().catch(() => {});
        else this.#arrive(channel, message, { name, queue, isReturned });
      });
      this.#tags.set(name, consumerTag);
    }
    // What was sent at once comes before this answer, however busy the server is.
    if (missing.length > 0) await channel.prefetch(this.#slots);
  }

  serve(queues: readonly string[]): void {
    if (queues.length === this.#queues.length && queues.every((queue, index) => queue === this.#queues[index])) return;
    this.#queues = queues;
    this.#change((queue) => queues.includes(queue));
  }

  /** What is read becomes what is to be read. @param keeps - the queues whose messages stay here */
  #change(keeps: (queue: string) => boolean): void {
    const [channel, session] = [this.#channel, this.#session];
    // Otherwise they are read when it begins.
    if (channel === undefined || session === undefined || !this.#isStarted) return;
    this.#consuming = this.#consuming.then(async () => {
      if (channel !== this.#channel) return;
      try {
        await this.#read(channel, session);
        await this.#giveBack(this.#arrivals.removeUnless(keeps));
        if (!this.#isWaking || channel !== this.#channel) return;
        this.#isWaking = false;
        this.#arrivals.begin();
        this.#listener.arrived();
      } catch (error) {
        this.#tell(error, session);
        // With a channel of its own it tries again.
        void channel.close().catch(() => {});
      }
    });
  }

  #arrive(channel: Channel, message: ConsumeMessage, source: Omit<Source, "rank">): void {
    if (channel !== this.#channel) return;
    const { fields, properties, content } = message;
    const priority = toPriority(properties.priority);
    this.#arrivals.add({
      queue: source.queue,
      source: source.name,
      priority,
      handouts: toHandouts(properties.headers?.["x-delivery-count"], fields.redelivered),
      content: { headers: properties.headers, properties, body: content, isRedelivered: fields.redelivered },
      channel,
      message,
      arrivedAtMs: performance.now(),
      isReturned: source.isReturned,
      isSettled: false,
    });
    if (this.#isStarted) this.#listener.arrived();
  }

  /** All that came through the channel is the server's again. */
  #lose(channel: Channel, session: Session): void {
    if (channel !== this.#channel || this.#isClosed) return;
    this.#drop();
    // A queue may have been deleted.
    session.forgetDeclared();
    this.#startAgain(session, retryMs / 5);
  }

  #drop(): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#channel = undefined;
    void channel.close().catch(() => {});
    this.#listener.lost(this.#arrivals.clear());
  }

  /** The server may be about to go, or to come: the queues of a cluster are not all there at once. */
  #startAgain(session: Session, ms: number): void {
    clearTimeout(this.#restart);
    if (session !== this.#session) return;
    this.#restart = setTimeout(() => void this.start(session), ms);
    this.#restart.unref();
  }

  /** Once for each reason, until it is over. */
  #tell(error: unknown, session: Session): void {
    if (this.#isClosed || session !== this.#session) return;
    const told = describe(error);
    if (told === this.#told) return;
    this.#told = told;
    this.#listener.failed(
      error instanceof AfterwordError
        ? error
        : new StoreError("not_stored", `Nothing is received from RabbitMQ for now: ${told}.`, { cause: error }),
    );
  }

  take(count: number): readonly IncomingMessage[] {
    if (!this.#isStarted || this.#isWaking) return [];
    if (this.#isResting) {
      this.#isResting = false;
      this.#isWaking = true;
      this.#change(() => true);
      return [];
    }
    const { taken, uncertainMs } = this.#arrivals.take(count);
    if (uncertainMs > 0)
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined;
        this.#listener.arrived();
      }, uncertainMs);
    return taken;
  }

  owns(message: IncomingMessage): boolean {
    const { channel, isSettled } = message as Arrival;
    return channel === this.#channel && !isSettled;
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    const owned = settlements.map(({ message }) => this.owns(message));
    const send = settlements.flatMap((settlement, index) => (owned[index] ? settlement.send : []));
    if (send.length > 0) await this.#services.publish(send);
    return settlements.map(({ message }, index) => owned[index]! && this.#acknowledge(message as Arrival));
  }

  #acknowledge(arrival: Arrival): boolean {
    // The connection may have gone while what follows was sent: then the message comes again, to somebody.
    if (!this.owns(arrival)) return false;
    arrival.isSettled = true;
    this.#arrivals.settled(arrival);
    try {
      arrival.channel.ack(arrival.message);
      return true;
    } catch {
      return false;
    }
  }

  putBack(messages: readonly IncomingMessage[]): void {
    for (const message of messages.toReversed()) if (this.owns(message)) this.#arrivals.putBack(message as Arrival);
  }

  giveUp(message: IncomingMessage): void {
    if (!this.owns(message)) return;
    const arrival = message as Arrival;
    arrival.isSettled = true;
    this.#arrivals.settled(arrival);
    try {
      arrival.channel.nack(arrival.message, false, true);
    } catch {
      // With its channel the message has gone back already.
    }
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.#session?.isOver === false && nowMs - this.#probedAtMs > probeMs) {
      this.#probedAtMs = nowMs;
      void this.#session.probe();
    }
    // What came before then and was not taken.
    const late = this.#arrivals.removeUntil(nowMs - patienceMs);
    if (late.length === 0) return;
    if (!this.#topology.rests) return void this.#giveBack(late);
    this.#isResting = true;
    for (const arrival of late) this.#arrivals.putBack(arrival);
    this.#change(() => false);
  }

  /** What was not taken. */
  async #giveBack(arrivals: readonly Arrival[]): Promise<void> {
    const { returnPlace } = this.#topology;
    if (arrivals.length === 0) return;
    // The last first, so that the first is in front of it in its queue.
    if (returnPlace === undefined) return arrivals.toReversed().forEach((arrival) => this.giveUp(arrival));
    await this.settle(arrivals.map((message) => ({ message, send: [toReturned(message, returnPlace)] }))).catch(() =>
      this.putBack(arrivals),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#patience);
    clearTimeout(this.#waiting);
    clearTimeout(this.#restart);
    const channel = this.#channel;
    if (channel === undefined) return;
    try {
      await within(this.#closeInOrder(channel), closeMs, "the channel did not close");
    } catch {
      // Otherwise its messages would be kept for nobody.
      this.#session?.cut();
    }
    this.#channel = undefined;
  }

  async #closeInOrder(channel: Channel): Promise<void> {
    // What the server sends because of what was settled just now is to arrive first: a quorum queue counts what is on its way to
    // a consumer that is canceled as handed out to a worker that has died (seen with 3.10.8).
    await delay(flushMs);
    await Promise.all(Array.from(this.#tags.values(), (tag) => channel.cancel(tag)));
    await this.#giveBack(this.#arrivals.removeUntil(Infinity));
    // A quorum queue may forget what is acknowledged right before a channel is closed (seen with 3.10.8), unless it has a moment.
    await delay(flushMs);
    await channel.close();
  }
}

/** The message as it came. */
function toReturned({ queue, priority, content }: Arrival, place: Place): OutgoingMessage {
  const { headers, properties, body } = content;
  return {
    queue,
    place,
    priority,
    delayMs: 0,
    content: {
      headers: headers as OutgoingMessage["content"]["headers"],
      properties: properties as OutgoingMessage["content"]["properties"],
      body: body as Buffer,
    },
  };
}

function toPriority(value: unknown): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9
    ? (value as number)
    : usualPriority;
}

/** Quorum queues count; of a classic queue it is only known whether the message was handed out before. */
function toHandouts(count: unknown, isRedelivered: boolean): number | boolean {
  return typeof count === "number" ? count : isRedelivered;
}
