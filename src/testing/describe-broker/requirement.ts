import type { Ability } from "../../tasks/broker.ts";

/** What a case of the suite may need: an ability of the broker, or something that `createBroker()` offers. */
export type Requirement =
  | Ability
  /** Batches that are stored as a whole or not at all. */
  | "atomicity"
  /** Ten levels of priority that are told apart. */
  | "tenPriorities"
  /** Jobs that wait for any others: for some that were stored before them, or for one twice. */
  | "freeDependencies"
  /** Jobs that wait for all of several others. */
  | "chords"
  /** A job that waits can be canceled at once, wherever it waits. */
  | "cancelWaiting"
  /** A job that is given back comes before those that waited behind it. */
  | "oldPlaces"
  /** A worker that stands still loses its jobs one lease after its last sign of life, though its connection stands. */
  | "leases"
  /** Jobs that outlive `close`, and the process. */
  | "durability"
  /** `another` of the setup: further connections to the same store. */
  | "connections"
  /** `spawnWorker` of the setup: workers in processes of their own, which can be killed. */
  | "processes"
  /** `interrupt` of the setup: a store that cannot be written to for a while. */
  | "outages";
