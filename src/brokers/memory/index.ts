import { abilities, type Broker } from "../../tasks/broker.ts";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";

/** What {@link memory} takes. */
export interface MemoryOptions {
  /** How many jobs may wait. Beyond it, storing is refused with `queue_full`, answered as 503. @defaultValue no limit */
  readonly maxQueued?: number;
}

/**
 * Keeps jobs in the memory of this process: everything a broker can do, except to outlive the process. For development and
 * tests, and for work that may be lost.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App, memory } from "afterword";
 *
 * const app = new App({ broker: memory({ maxQueued: 10_000 }) });
 * ```
 */
export function memory(options: MemoryOptions = {}): Broker {
  const { maxQueued, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new DeclarationError(`memory() has no option ${JSON.stringify(unknown)}. It has maxQueued.`);
  if (maxQueued !== undefined && !(Number.isInteger(maxQueued) && maxQueued >= 0))
    throw new DeclarationError(
      `memory(): maxQueued must be an integer of 0 or more, but got ${formatValue(maxQueued)}.`,
    );
  return new PulledBroker({
    name: "memory",
    load: async () => new (await import("./memory-store.ts")).MemoryStore({ maxQueued }),
    isDurable: false,
    supports: abilities.filter((ability) => ability !== "transaction"),
  });
}
