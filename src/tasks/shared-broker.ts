import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Broker } from "./broker.ts";

interface Use {
  count: number;
  opening: Promise<void>;
}

/** Of those that are open, or about to be. */
const uses = new Map<Broker, Use>();
const closings = new WeakMap<Broker, Promise<void>>();

/** Opens a broker for one more user: an app, a worker and a client of one process may share it. */
export async function openBroker(broker: Broker): Promise<void> {
  await closings.get(broker);
  let use = uses.get(broker);
  if (use === undefined) {
    use = { count: 0, opening: broker.open() };
    uses.set(broker, use);
  }
  use.count++;
  try {
    await use.opening;
  } catch (error) {
    if (uses.get(broker) === use) uses.delete(broker);
    throw error;
  }
}

/** Closes it when its last user has gone. */
export async function closeBroker(broker: Broker): Promise<void> {
  const use = uses.get(broker);
  if (use === undefined || --use.count > 0) return;
  uses.delete(broker);
  const closing = broker.close();
  closings.set(broker, closing);
  try {
    await closing;
  } finally {
    closings.delete(broker);
  }
}

/** The brokers that are open in this process. */
export function openBrokers(): readonly Broker[] {
  return [...uses.keys()];
}

/** @throws {DeclarationError} naming what came in place of a broker */
export function assertBroker(value: unknown, what: string): asserts value is Broker {
  const { enqueue, consume, open } = (value ?? {}) as Partial<Broker>;
  if (typeof enqueue === "function" && typeof consume === "function" && typeof open === "function") return;
  throw new DeclarationError(
    `${what} must be a broker, such as memory() or sqlite("tasks.db"), but got ${formatValue(value)}.`,
  );
}
