import type { StoreServer } from "./store-server.ts";

export const brokerKinds = ["sqlite", "redis", "postgres", "rabbitmq"] as const;

/** What the processes open. */
export interface BrokerSettings {
  readonly kind: (typeof brokerKinds)[number];
  /** Where the jobs are: a file, or the URL of a server. */
  readonly url: string;
  /** Where the state of the jobs is, when the server only carries messages: a SQLite file. */
  readonly results?: string;
}

/** Where jobs are kept during a run, and what is of its own about it. */
export interface ChaosStore {
  readonly broker: BrokerSettings;
  /** What may be killed and frozen; a file has none. */
  readonly server: StoreServer | undefined;
  /** So long after its lease a job may be running, beyond what a function may block its process for. */
  readonly graceMs: number;
  /** Opened when the tables exist already. */
  observe(): Promise<Observer>;
  close(): Promise<void>;
}

/** An ending, as the store itself has noted it in the step that stored it. */
export interface Effect {
  readonly id: string;
  readonly state: string;
  readonly epoch: number;
  /** The process that held the job by the store's own record. */
  readonly holder: number | null;
  /** The process that says it has run it: its result. */
  readonly author: number | null;
  readonly error: string | null;
}

/** A job that is running by the store's own record. */
export interface RunningRow {
  readonly id: string;
  readonly leaseUntil: number;
  readonly pid: number | null;
}

/** A connection of our own to the jobs, which sees each ending. Rejects while a server is away. */
export interface Observer {
  effects(): Promise<readonly Effect[]>;
  running(): Promise<readonly RunningRow[]>;
  /** How many jobs have not ended. */
  unfinished(): Promise<number>;
  /** Whether somebody can write now, or soon. */
  isWritable(): Promise<boolean>;
  close(): Promise<void>;
}

/** The endings of one job. */
export async function effectsOf(observer: Observer, id: string): Promise<readonly Effect[]> {
  return (await observer.effects()).filter((effect) => effect.id === id);
}
