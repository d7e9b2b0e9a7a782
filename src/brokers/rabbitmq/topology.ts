import type { Channel, Options } from "amqplib";
import type { Place } from "../carried/carrier.ts";
import { exitPattern, ladderSteps, stepMs, stepPattern } from "./delay-ladder.ts";
import type { RabbitmqConfig } from "./options.ts";

const usualPriority = 5;
const priorities = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/** A queue of the server that a worker reads. */
export interface Source {
  readonly name: string;
  /** What jobs call it. */
  readonly queue: string;
  /** Whether it holds what was given back. */
  readonly isReturned: boolean;
  /** What is higher comes first. */
  readonly rank: number;
}

/** What the queues and exchanges of a broker are called, and how they are made. Making what is there already changes nothing. */
export class Topology {
  /** Where a message goes that was received and could not be used; `undefined` if the server puts it back itself. */
  readonly returnPlace: Place | undefined = "front";
  /** Whether a worker without a free slot stops to read: others that read the queues get what it could not use, and not itself. */
  readonly rests: boolean = false;
  /** What to do about a queue that is there and was made otherwise. */
  readonly wayOut: string = "delete it when it is empty, or give rabbitmq() another prefix";
  readonly #prefix: string;
  readonly #isQuorum: boolean;

  constructor({ prefix, queues }: Pick<RabbitmqConfig, "prefix" | "queues">) {
    this.#prefix = prefix;
    this.#isQuorum = queues === "quorum";
  }

  /** The queue of the server that a message goes to. Quorum queues know no priorities, so each has one of its own. */
  queueOf(queue: string, place: Place, priority: number): string {
    if (place === "front") return `${this.#prefix}${queue}.front`;
    if (place === "dead") return `${this.#prefix}${queue}.dead`;
    return this.#isQuorum && priority !== usualPriority
      ? `${this.#prefix}${queue}.p${priority}`
      : `${this.#prefix}${queue}`;
  }

  /** The queues of the server that a worker reads for one of its own. */
  sourcesOf(queue: string): readonly Source[] {
    const returned = { name: this.queueOf(queue, "front", usualPriority), queue, isReturned: true, rank: 10 };
    const levels = this.#isQuorum ? priorities : [usualPriority];
    return [
      returned,
      ...levels.map((priority) => ({
        name: this.queueOf(queue, "back", priority),
        queue,
        isReturned: false,
        rank: priority,
      })),
    ];
  }

  /** Rejects unless a queue is there that is used as it is. `undefined` where every queue must be as we make it. */
  readonly findQueue: ((channel: Channel, name: string) => Promise<void>) | undefined = undefined;

  async declareQueue(channel: Channel, name: string): Promise<void> {
    await channel.assertQueue(name, { durable: true, arguments: this.#isQuorum ? quorum : classic });
  }

  get exitExchange(): string {
    return `${this.#prefix}delay.exit`;
  }

  stepExchange(step: number): string {
    return `${this.#prefix}delay.${step}`;
  }

  /** What has waited leaves the ladder for a queue. */
  async declareExit(channel: Channel, queue: string): Promise<void> {
    await channel.assertExchange(this.exitExchange, "topic", { durable: true });
    await channel.bindQueue(queue, this.exitExchange, exitPattern(queue));
  }

  /** Rejects unless the ladder was made as a whole once. */
  async findLadder(channel: Channel): Promise<void> {
    await channel.checkExchange(this.#madeExchange);
  }

  /** It stands for all the others: to ask for each of them takes a hundred times as long. */
  get #madeExchange(): string {
    return `${this.#prefix}delay.made`;
  }

  /** The lowest step first: each leads to the one below it. */
  async declareLadder(channel: Channel): Promise<void> {
    await channel.assertExchange(this.exitExchange, "topic", { durable: true });
    let below = this.exitExchange;
    for (let step = 0; step < ladderSteps; step++) {
      const name = this.stepExchange(step);
      await channel.assertExchange(name, "topic", { durable: true });
      await channel.assertQueue(name, { durable: true, arguments: stepArguments(step, below) });
      await channel.bindQueue(name, name, stepPattern(step, true));
      await channel.bindExchange(below, name, stepPattern(step, false));
      below = name;
    }
    await channel.assertExchange(this.#madeExchange, "topic", { durable: true });
  }
}

/** Deliveries are counted by us: a server that throws a message away after some of them would lose a job. */
const quorum = { "x-queue-type": "quorum", "x-delivery-limit": 1_000_000 };
const classic = { "x-queue-type": "classic", "x-max-priority": 9 };

/** Always quorum queues: classic ones lose what they are just passing on when their node is killed (seen with 3.10.8). */
function stepArguments(step: number, below: string): Options.AssertQueue["arguments"] {
  return {
    ...quorum,
    "x-message-ttl": stepMs(step),
    "x-dead-letter-exchange": below,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  };
}
