import type { Broker } from "../tasks/broker.ts";
import { withFaults, type FaultOptions } from "./faults.ts";

/** Every verb of a broker that asks its store. */
const verbs = [
  "enqueue",
  "get",
  "list",
  "counts",
  "cancel",
  "retry",
  "remove",
  "purge",
  "pause",
  "resume",
  "putSchedule",
  "removeSchedule",
  "schedules",
  "pauseSchedule",
  "tick",
  "workers",
] as const satisfies readonly (keyof Broker)[];

/**
 * A broker whose verbs fail now and then, to see what an app makes of it: with code `not_stored` before anything has
 * happened, or with code `maybe_stored` after all has happened. Which calls fail depends on the seed alone. Consuming, opening
 * and closing go on as they are.
 *
 * @example
 * ```ts
 * import { App, memory } from "afterword";
 * import { faultyBroker } from "afterword/testing";
 *
 * const app = new App({ broker: faultyBroker(memory(), { seed: 1, rate: 0.2 }) });
 * ```
 */
export function faultyBroker(broker: Broker, options: FaultOptions): Broker {
  return withFaults(broker, verbs, options);
}
