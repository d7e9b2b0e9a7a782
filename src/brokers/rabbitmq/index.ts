import { abilities, type Ability, type Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";
import type { Store } from "../pulled/store.ts";
import { toRabbitmqConfig, type RabbitmqConfig, type RabbitmqOptions } from "./options.ts";

export type { RabbitmqOptions } from "./options.ts";

/** What messages can do by themselves. */
const ofMessages: readonly Ability[] = ["delay", "priority"];

/**
 * Sends jobs through RabbitMQ (3.10 or newer), with publisher confirms, on quorum queues. Needs the package `amqplib` 2; queues are
 * made when they are first used.
 *
 * Alone it runs and retries jobs, with delays and priorities; nobody can be asked about a job then. With `results`, another broker
 * keeps their state: status, results, cancellation, unique keys, limits, schedules, flows and lists work as they do there.
 *
 * A stored job survives what a confirmed message survives: on a quorum queue the loss of a minority of its nodes, and of power.
 *
 * - `open()` rejects with the code `broker_open_failed` when the server cannot be reached, `missing_package` when the package is.
 * - Everything else rejects with a `StoreError` within two seconds when the server is away, and works again when it is back.
 *
 * @param url - `amqp://user:password@host:5672/vhost`, or the options with the `url` among them
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App, sqlite } from "afterword";
 * import { rabbitmq } from "afterword/rabbitmq";
 *
 * const app = new App({ broker: rabbitmq("amqp://guest:guest@127.0.0.1:5672", { results: sqlite("tasks.db") }) });
 * ```
 */
export function rabbitmq(url: string | RabbitmqOptions = {}, options: RabbitmqOptions = {}): Broker {
  const config = toRabbitmqConfig(url, options);
  const { results } = config;
  return new PulledBroker({
    name: "rabbitmq",
    load: () => loadStore(config),
    isEmbedded: false,
    isDurable: true,
    supports: results
      ? abilities.filter((ability) => ability !== "transaction" && results.supports.has(ability))
      : ofMessages,
  });
}

async function loadStore(config: RabbitmqConfig): Promise<Store> {
  const [{ AmqpCarrier }, { Topology }] = await Promise.all([import("./amqp-carrier.ts"), import("./topology.ts")]);
  const carrier = new AmqpCarrier(config, new Topology(config));
  if (config.results === undefined) {
    const { CarriedStore } = await import("../carried/carried-store.ts");
    return new CarriedStore("rabbitmq", carrier);
  }
  const { LedgerStore } = await import("../carried/ledger-store.ts");
  return new LedgerStore(carrier, await config.results.loadStore(), config.results.isDurable);
}
