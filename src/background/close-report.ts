/** What `close()` found: whether every promise was kept. */
export interface CloseReport {
  /** Whether nothing was lost and every clean-up succeeded. */
  readonly ok: boolean;
  /** How many tasks ended while the app was closing. */
  readonly finished: number;
  /**
   * The tasks that had not ended when the time was up, in the order in which they were added. With the memory broker also
   * the jobs: they are gone with the process.
   */
  readonly lost: readonly LostTask[];
  /** How many jobs that ran here were given back to their broker: another worker runs them, or this app after its next start. */
  readonly released: number;
  /** Connections that were cut because their response had not ended in time. */
  readonly connectionsCut: number;
  /** What the clean-up part of the lifespan threw, if it did. */
  readonly errors: readonly unknown[];
  readonly durationMs: number;
}

/** A task that the process did not wait for. */
export interface LostTask {
  readonly id: string;
  readonly name: string;
  /** `undefined` for a job that no request has added. */
  readonly requestId: string | undefined;
  /** Whether it was running, or still waiting. */
  readonly wasRunning: boolean;
}
