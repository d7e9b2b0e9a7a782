import type { Ability, Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";
import {
  toCeleryConfig,
  type CeleryConfig,
  type CeleryOnAmqp,
  type CeleryOptions,
  type CeleryPlaces,
} from "./options.ts";
import type { Transport } from "./transport.ts";

export type { CeleryOptions } from "./options.ts";

/**
 * Shares the queues of Celery (5.2 or newer) on Redis or RabbitMQ: tasks of ours are called by Python and tasks of Python by us,
 * also within one chain, group or chord, and workers of both kinds serve the same queues. Needs the package `ioredis` 6, or
 * `amqplib` 2 for RabbitMQ.
 *
 * Jobs are Celery's messages and results are its results: nothing else must be installed or set on its side. A job is kept from the
 * moment it is stored until its result is; when a worker of ours dies, another takes its jobs over: on Redis after their lease, on
 * RabbitMQ when its connection is lost. Of a job without a result Celery knows nothing, not even whether it exists.
 *
 * On RabbitMQ, the default results `rpc://` are known to the process that has stored the job only; groups and chords, and asking
 * from elsewhere, need `results` in Redis.
 *
 * - `open()` rejects with the code `broker_open_failed` when the server cannot be reached, `missing_package` when the package is.
 * - Everything else rejects with a `StoreError` within two seconds when the server is away, and works again when it is back.
 *
 * @param url - Celery's `broker_url`, or the options with the `url` among them
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App } from "afterword";
 * import { celery } from "afterword/celery";
 *
 * const app = new App({ broker: celery("redis://127.0.0.1:6379/0") });
 * const onRabbitmq = new App({
 *   broker: celery("amqp://guest:guest@127.0.0.1:5672", { results: "redis://127.0.0.1:6379/0" }),
 * });
 * ```
 */
export function celery(url: string | CeleryOptions = {}, options: CeleryOptions = {}): Broker {
  const config = toCeleryConfig(url, options);
  const { places } = config;
  return new PulledBroker({
    name: "celery",
    load: async () => {
      const [{ CeleryStore }, transport] = await Promise.all([import("./celery-store.ts"), loadTransport(config)]);
      return new CeleryStore(transport, config);
    },
    isEmbedded: false,
    isDurable: true,
    supports: abilitiesOf(places),
  });
}

function abilitiesOf(places: CeleryPlaces): readonly Ability[] {
  const always: readonly Ability[] = ["delay", "results", "cancelRunning", "progress", "groups"];
  const hasPriorities = "redis" in places || places.maxPriority !== undefined;
  return hasPriorities ? [...always, "priority"] : always;
}

async function loadTransport({ places, visibilityMs }: CeleryConfig): Promise<Transport> {
  if (!("redis" in places)) return loadAmqpTransport(places);
  const { RedisTransport } = await import("./redis/redis-transport.ts");
  return new RedisTransport(places.redis, visibilityMs);
}

async function loadAmqpTransport({ amqp, results, ...queues }: CeleryOnAmqp): Promise<Transport> {
  const [{ AmqpTransport }, { AmqpMailbox }, { CeleryTopology }, { AmqpCarrier }] = await Promise.all([
    import("./amqp/amqp-transport.ts"),
    import("./amqp/amqp-mailbox.ts"),
    import("./amqp/celery-topology.ts"),
    import("../rabbitmq/amqp-carrier.ts"),
  ]);
  // A copy behind the others says how often it was handed out; what the server puts back does not.
  const carrier = new AmqpCarrier(amqp, new CeleryTopology(queues, results === "rpc" ? "back" : undefined));
  const mailbox = new AmqpMailbox(amqp, carrier);
  if (results === "rpc") {
    const { RpcResults } = await import("./rpc/rpc-results.ts");
    return new AmqpTransport(carrier, new RpcResults(carrier), mailbox);
  }
  const { RedisResults } = await import("./redis/redis-results.ts");
  return new AmqpTransport(carrier, new RedisResults(results), mailbox);
}
