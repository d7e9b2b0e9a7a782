import type { Ability } from "../../tasks/broker.ts";

/** What a case of the suite may need: an ability of the broker, or something that `createBroker()` offers. */
export type Requirement =
  | Ability
  /** Batches that are stored as a whole or not at all. */
  | "atomicity"
  /** Jobs that outlive `close`, and the process. */
  | "durability"
  /** `another` of the setup: further connections to the same store. */
  | "connections"
  /** `spawnWorker` of the setup: workers in processes of their own, which can be killed. */
  | "processes"
  /** `interrupt` of the setup: a store that cannot be written to for a while. */
  | "outages";
