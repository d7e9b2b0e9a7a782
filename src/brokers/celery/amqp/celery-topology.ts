import type { Channel } from "amqplib";
import type { Place } from "../../carried/carrier.ts";
import { Topology, type Source } from "../../rabbitmq/topology.ts";

/** How queues are made that are not there yet. */
export interface CeleryQueueOptions {
  /** Celery's `task_queue_max_priority`. */
  readonly maxPriority: number | undefined;
  /** Celery's `task_default_queue_type`. */
  readonly queueType: "classic" | "quorum" | undefined;
}

/** Celery's own queues; beside them, under our prefix, the ladder on which delayed messages wait. */
export class CeleryTopology extends Topology {
  override readonly rests = true;
  override readonly returnPlace: Place | undefined;
  override readonly wayOut =
    "give celery() the options maxPriority and queueType as they are set in Celery, or leave both out to use queues as they are";
  override readonly findQueue: Topology["findQueue"];
  readonly #arguments: Readonly<Record<string, unknown>>;

  /** @param returnPlace - where a message goes that could not be used; `undefined` has the server put it back */
  constructor({ maxPriority, queueType }: CeleryQueueOptions, returnPlace: "back" | undefined) {
    super({ prefix: "afterword.", queues: "quorum" });
    this.returnPlace = returnPlace;
    this.#arguments = {
      ...(maxPriority !== undefined && { "x-max-priority": maxPriority }),
      ...(queueType === "quorum" && { "x-queue-type": "quorum" }),
    };
    const isAnyGood = maxPriority === undefined && queueType === undefined;
    this.findQueue = isAnyGood ? async (channel, name) => void (await channel.checkQueue(name)) : undefined;
  }

  override queueOf(queue: string, place: Place): string {
    return place === "dead" ? `${queue}.dead` : queue;
  }

  override sourcesOf(queue: string): readonly Source[] {
    return [{ name: queue, queue, isReturned: false, rank: 0 }];
  }

  /** As Celery makes it (celery/app/amqp.py): bound to an exchange of its own name. */
  override async declareQueue(channel: Channel, name: string): Promise<void> {
    if (name.endsWith(".dead")) return super.declareQueue(channel, name);
    await channel.assertExchange(name, "direct", { durable: true });
    await channel.assertQueue(name, { durable: true, arguments: this.#arguments });
    await channel.bindQueue(name, name, name);
  }
}
