import type { Broker } from "../../tasks/broker.ts";
import type { Requirement } from "./requirement.ts";

/**
 * What the suite uses of a test runner. The `describe` and `it` of node:test, Vitest and Jest fit as they are.
 */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: {
    /** The third argument is the limit for the test, where the runner takes one there. */
    (name: string, body: () => Promise<void>, timeoutMs: number): unknown;
    readonly skip: (name: string, body: () => Promise<void>) => unknown;
  };
}

/** A transaction of the user, in the database that the broker stores its jobs in. */
export interface UserTransaction {
  /** What is passed as `transaction` to `enqueue`. */
  readonly handle: unknown;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** A process that consumes. The `ChildProcess` of Node fits as it is. */
export interface WorkerProcess {
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): unknown;
}

/** A broker for one test, with what belongs to it. */
export interface BrokerSetup {
  /** Not open yet, on a store in which there is nothing. The suite opens and closes it. */
  readonly broker: Broker;
  /** One more broker on the same store, as another process would have it; not open yet. */
  readonly another?: (() => Promise<Broker>) | undefined;
  /**
   * Starts a program that calls `runScriptedWorker()` with a broker on the same store.
   *
   * @param env - must be in the environment of the program
   */
  readonly spawnWorker?: ((env: Readonly<Record<string, string>>) => Promise<WorkerProcess>) | undefined;
  /** Begins a transaction of the user. */
  readonly transaction?: (() => Promise<UserTransaction>) | undefined;
  /** Makes the store refuse or not answer every write. Resolves with what ends that. */
  readonly interrupt?: (() => Promise<() => Promise<void>>) | undefined;
  /** Frees what the test has used. Called when all brokers are closed and all processes have ended. */
  readonly dispose: () => Promise<void>;
}

/** Options of {@link describeBroker}. */
export interface DescribeBrokerOptions {
  /** The `describe` and `it` of the test runner. */
  readonly test: TestRunner;
  /** Called for each test. */
  readonly createBroker: () => Promise<BrokerSetup>;
  /** What the tests stand under. @defaultValue `"broker"` */
  readonly name?: string | undefined;
  /**
   * What the broker or its setup does not have. Cases that need it are shown as skipped, with the reason in their name; and
   * that the list is true is a case too.
   *
   * @defaultValue `[]`
   */
  readonly lacks?: readonly Requirement[] | undefined;
  /** The lease of the workers in cases in which one runs out, in milliseconds. @defaultValue 500 */
  readonly leaseMs?: number | undefined;
  /** How long the suite waits for what must happen, in milliseconds. @defaultValue 5,000 */
  readonly patienceMs?: number | undefined;
}
