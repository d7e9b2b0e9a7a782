import type { JobInsert } from "./job-insert.ts";

/** So many statements are under way at the same time, unless the server takes its time. */
const maxUnderWay = 2;
/** And so many where enough jobs wait for another one: then there is more to gain from two cores than from sharing. */
const maxFull = 4;
const fullJobs = 100;
/** So long jobs wait at most for a statement that is under way. */
const maxWaitMs = 50;
/** So many jobs go into one statement, unless one caller hands over more. */
const maxJobs = 1_000;

interface Waiting {
  readonly jobs: readonly JobInsert[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Lets callers share statements: what comes while one is under way makes up the next, so that many share one sync of the disk. */
export class PlainIntake {
  readonly #store: (jobs: readonly JobInsert[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #waitingJobs = 0;
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** @param store - stores all of them or none */
  constructor(store: (jobs: readonly JobInsert[]) => Promise<void>) {
    this.#store = store;
  }

  add(jobs: readonly JobInsert[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, resolve, reject });
      this.#waitingJobs += jobs.length;
      if (this.#underWay < this.#max) this.#send();
      else this.#timer ??= setTimeout(() => this.#send(), maxWaitMs);
    });
  }

  get #max(): number {
    return this.#waitingJobs >= fullJobs ? maxFull : maxUnderWay;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#take();
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#send(), maxWaitMs);
    if (batch.length === 0) return;
    this.#underWay++;
    void this.#storeBatch(batch).finally(() => {
      this.#underWay--;
      if (this.#waiting.length > 0 && this.#underWay < this.#max) this.#send();
    });
  }

  #take(): readonly Waiting[] {
    let count = 0;
    const end = this.#waiting.findIndex(({ jobs }, index) => (count += jobs.length) > maxJobs && index > 0);
    const taken = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
    for (const { jobs } of taken) this.#waitingJobs -= jobs.length;
    return taken;
  }

  async #storeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#store(batch.flatMap(({ jobs }) => jobs));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      // One that the server does not take must not keep others from being stored.
      const isOfOne = batch.length > 1 && (error as { code?: unknown }).code === "not_stored" && isRefusal(error);
      if (isOfOne) await Promise.all(batch.map((each) => this.#storeBatch([each])));
      else for (const { reject } of batch) reject(error);
    }
  }
}

/** Whether the server has answered that a value is wrong, or that there is no such queue. */
function isRefusal(error: unknown): boolean {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  return typeof code === "string" && /^2[23]/.test(code);
}
