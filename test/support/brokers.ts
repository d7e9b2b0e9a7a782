import { join } from "node:path";
import { memory, sqlite, StoreError, type Broker, type NewJob } from "afterword";
import { createTempDirectory } from "./temp-directory.ts";

/** A kind of broker that an app can run its jobs on by itself. */
export interface BrokerKind {
  readonly name: string;
  create(): Promise<Broker>;
}

export const embeddedBrokers: readonly BrokerKind[] = [
  { name: "memory", create: async () => memory() },
  { name: "sqlite", create: async () => sqlite(join(await createTempDirectory(), "tasks.db")) },
];

/** What a {@link RiggedBroker} does with the next batch. */
export type Rig = "store" | "fail before storing" | "fail after storing" | Promise<void>;

/** A real broker whose storing a test can hold back or let fail; everything else is the broker's own. */
export interface RiggedBroker extends Broker {
  rig: Rig;
  /** The batches that came, in order. */
  readonly batches: (readonly NewJob[])[];
}

export function rigged(broker: Broker): RiggedBroker {
  const batches: (readonly NewJob[])[] = [];
  const changes = {
    rig: "store" as Rig,
    batches,
    async enqueue(request: Parameters<Broker["enqueue"]>[0]) {
      batches.push(request.jobs);
      const { rig } = changes;
      if (rig === "fail before storing") throw new StoreError("not_stored", "The disk is full.");
      if (typeof rig === "object") await rig;
      const stored = await broker.enqueue(request);
      if (rig === "fail after storing") throw new StoreError("maybe_stored", "The connection was lost.");
      return stored;
    },
  };
  return new Proxy(broker, {
    get(target, key) {
      if (Object.hasOwn(changes, key)) return changes[key as keyof typeof changes];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (_, key, value) => Reflect.set(changes, key, value),
  }) as RiggedBroker;
}
