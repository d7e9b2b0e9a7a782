/** What `close()` found: whether every promise was kept. */
export interface CloseReport {
  /** Whether nothing was lost and every clean-up succeeded. */
  readonly ok: boolean;
  /** How many tasks ended while the app was closing. */
  readonly finished: number;
  /** The tasks that had not ended when the time was up, in the order in which they were added. */
  readonly lost: readonly LostTask[];
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
  readonly requestId: string;
  /** Whether it was running, or still waiting. */
  readonly wasRunning: boolean;
}
