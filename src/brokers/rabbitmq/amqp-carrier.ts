import { setTimeout as delay } from "node:timers/promises";
import type { Options } from "amqplib";
import type { WorkerInfo } from "../../tasks/broker.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Carrier, Inlet, InletListener, OutgoingMessage } from "../carried/carrier.ts";
import { toDeclareError, toStoreError } from "./amqp-error.ts";
import { AmqpInlet } from "./amqp-inlet.ts";
import { Connection, type SessionListener } from "./connection.ts";
import { enterLadder } from "./delay-ladder.ts";
import type { AmqpServer } from "./options.ts";
import { whyUnusable } from "./queue-name.ts";
import { RefusedError, type Publication, type Session } from "./session.ts";
import type { Source, Topology } from "./topology.ts";

/** So long it may take to make the queues of the delay ladder, which is done once. */
const ladderMs = 15_000;
/**
 * A quorum queue that is made again within some 20 ms of its deletion loses what it confirms, and its consumers hear of nothing (seen
 * with 3.10.8).
 */
const goneMs = 200;

/** Carries messages through RabbitMQ: every one is confirmed, and every queue is made before it is used. */
export class AmqpCarrier implements Carrier {
  readonly #server: AmqpServer;
  readonly #topology: Topology;
  /** A server whose memory or disk is full reads nothing any more from a connection that sends: what is received has its own. */
  readonly #sending: Connection;
  readonly #receiving: Connection;

  constructor(server: AmqpServer, topology: Topology) {
    this.#server = server;
    this.#topology = topology;
    this.#sending = new Connection(server);
    this.#receiving = new Connection(server);
  }

  async open(): Promise<void> {
    await this.#sending.open();
  }

  async close(): Promise<void> {
    await Promise.all([this.#receiving.close(), this.#sending.close()]);
  }

  async ready(): Promise<void> {
    const session = await this.#sending.session();
    try {
      session.assertUnblocked();
    } catch (error) {
      throw toStoreError(error, this.#server.address);
    }
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const session = await this.#sending.session();
    try {
      session.assertUnblocked();
      await this.#declareTargets(session, messages);
      const publications = messages.map((message) => this.#toPublication(message));
      await session.publish(publications).catch((error: unknown) => this.#publishAgain(session, messages, error));
    } catch (error) {
      throw toStoreError(error, this.#server.address);
    }
  }

  /** Sends what goes to no queue of jobs. */
  async send(publications: readonly Publication[]): Promise<void> {
    const session = await this.#sending.session();
    try {
      await session.publish(publications);
    } catch (error) {
      throw toStoreError(error, this.#server.address);
    }
  }

  /** Declares something else than a queue of jobs, once for each connection that sends. */
  async declare(name: string, how: Parameters<Session["declare"]>[1]): Promise<void> {
    await this.#declare(await this.#sending.session(), name, how);
  }

  /** Makes the delay ladder, unless it is there: on a busy server the first delay would wait for it in vain. */
  async prepareDelays(): Promise<void> {
    await this.#declareLadder(await this.#sending.session(), false);
  }

  /** Tells of each connection that something can be received through, from now on. @returns ends it */
  onReceiving(listener: SessionListener): () => void {
    this.#receiving.start();
    return this.#receiving.onSession(listener);
  }

  /** A queue that somebody has deleted is made again, and one that is about to come has a moment: once. */
  async #publishAgain(session: Session, messages: readonly OutgoingMessage[], error: unknown): Promise<void> {
    if (!(error instanceof RefusedError)) throw error;
    await delay(goneMs);
    session.forgetDeclared();
    await this.#declareTargets(session, messages, true);
    await session.publish(error.publications);
  }

  receive(worker: WorkerInfo, listener: InletListener): Inlet {
    const inlet = new AmqpInlet(
      worker,
      this.#topology,
      {
        publish: (messages) => this.publish(messages),
        declareSources: (session, sources) => this.#declareSources(session, sources),
      },
      listener,
    );
    const end = this.onReceiving((session) => void inlet.start(session));
    return {
      take: (count) => inlet.take(count),
      owns: (message) => inlet.owns(message),
      serve: (queues) => inlet.serve(queues),
      settle: (settlements) => inlet.settle(settlements),
      putBack: (messages) => inlet.putBack(messages),
      giveUp: (message) => inlet.giveUp(message),
      close: () => {
        end();
        return inlet.close();
      },
    };
  }

  /** @param isDoubted - whether something may be missing of what seems to be there */
  async #declareTargets(session: Session, messages: readonly OutgoingMessage[], isDoubted = false): Promise<void> {
    const names = new Set(messages.map(({ queue, place, priority }) => this.#topology.queueOf(queue, place, priority)));
    await this.#declareQueues(session, [...names]);
    for (const { queue, place, priority, delayMs } of messages) {
      if (delayMs <= 0) continue;
      await this.#declareLadder(session, isDoubted);
      await this.#declareExit(session, this.#topology.queueOf(queue, place, priority));
    }
  }

  /** With their ways out of the delay ladder: a queue that somebody has deleted is made again by whoever reads it. */
  async #declareSources(session: Session, sources: readonly Source[]): Promise<void> {
    await this.#declareQueues(
      session,
      sources.map(({ name }) => name),
    );
    for (const { name, isReturned } of sources) if (!isReturned) await this.#declareExit(session, name);
  }

  async #declareQueues(session: Session, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const why = whyUnusable(name);
      if (why !== undefined) throw new StoreError("not_stored", why);
      await this.#declareQueue(session, name);
    }
  }

  /** A queue of somebody else's is used as it is: asked to make it, the server would refuse if anything differs. */
  async #declareQueue(session: Session, name: string): Promise<void> {
    const { findQueue } = this.#topology;
    if (findQueue !== undefined && (await this.#isThere(session, name, (channel) => findQueue(channel, name)))) return;
    await this.#declare(session, name, (channel) => this.#topology.declareQueue(channel, name));
  }

  async #declareLadder(session: Session, isDoubted: boolean): Promise<void> {
    const name = "the delay ladder";
    const isUnderWay = session.knows(name);
    if (
      !isDoubted &&
      !isUnderWay &&
      (await this.#isThere(session, name, (channel) => this.#topology.findLadder(channel)))
    )
      return;
    await this.#declare(session, name, (channel) => this.#topology.declareLadder(channel), ladderMs);
  }

  async #isThere(session: Session, name: string, find: Parameters<Session["declare"]>[1]): Promise<boolean> {
    try {
      await this.#declare(session, `${name}, as it is`, find);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async #declareExit(session: Session, queue: string): Promise<void> {
    await this.#declare(session, `exit to ${queue}`, (channel) => this.#topology.declareExit(channel, queue));
  }

  async #declare(
    session: Session,
    name: string,
    how: Parameters<Session["declare"]>[1],
    maxMs?: number,
  ): Promise<void> {
    try {
      await session.declare(name, how, maxMs);
    } catch (error) {
      throw toDeclareError(error, name, this.#server.address, this.#topology.wayOut);
    }
  }

  #toPublication({ queue, place, priority, delayMs, content }: OutgoingMessage): Publication {
    const target = this.#topology.queueOf(queue, place, priority);
    const { step, routingKey } = enterLadder(delayMs, target);
    // The server refuses what names another user than its sender.
    const { userId: _, ...properties }: Options.Publish = content.properties;
    const options: Options.Publish = { ...properties, headers: content.headers, priority, persistent: true };
    if (step === undefined) return { exchange: "", routingKey, body: content.body, options };
    const headers = withoutDeaths(content.headers);
    return {
      exchange: this.#topology.stepExchange(step),
      routingKey,
      body: content.body,
      options: { ...options, headers },
    };
  }
}

/**
 * What the server has noted of an earlier way down the ladder. It throws a message away that comes to a queue for the second time,
 * and says nothing (https://www.rabbitmq.com/docs/dlx#automatic-dead-lettering-cycles).
 */
function withoutDeaths<H extends object | undefined>(headers: H): H {
  if (headers === undefined || !("x-death" in headers)) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^x-(?:first-|last-)?death/.test(name))) as H;
}

/** Whether the server has said that there is no such thing. */
function isMissing(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? error) as { readonly code?: unknown };
  return code === 404;
}
