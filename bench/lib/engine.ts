/** What keeps jobs and has them run: a broker of ours, or what is beneath it by itself. */
export interface Engine extends AsyncDisposable {
  /** Stores so many jobs with one call. */
  addBatch(count: number): Promise<unknown>;
  /** Stores a job as one of many callers. Its function is given the time. */
  add(addedAtMs: number): Promise<unknown>;
  /** What its documentation asks for when very many jobs were added. */
  settle?(): Promise<unknown>;
  /**
   * Starts to run jobs, so many at the same time.
   *
   * @param onRun - the function of the jobs
   */
  work(concurrency: number, onRun: (addedAtMs: number) => void): Promise<Working>;
}

export interface Working {
  /** Resolves when it is stored how the jobs that ran have ended. */
  stop(): Promise<unknown>;
}
