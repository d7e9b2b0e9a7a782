import type { Broker, QueueCounts } from "../tasks/broker.ts";
import { finalStatuses } from "../tasks/job.ts";
import type { QueuesAnswer, SampleEvent } from "./dashboard-types.ts";
import { EndedJobs } from "./ended-jobs.ts";
import { History } from "./history.ts";

/** While somebody watches, samples are at least so far apart. */
const watchedMs = 1_000;
/** While nobody does: enough for the charts of the day. */
const unwatchedMs = 15_000;
/**
 * So many times longer than a sample took is the pause after it: with what the page itself asks for, the broker spends less than a
 * hundredth of its time on them.
 */
const pauseFactor = 300;

/** What takes longer is slow. */
const slowMs = 100;

type SampleListener = (sample: SampleEvent) => void;

/** Asks a broker how it is from time to time, at a price that it does not notice, and remembers. */
export class Sampler {
  readonly history: History = new History();
  readonly #broker: Broker;
  readonly #ended: EndedJobs;
  readonly #listeners = new Set<SampleListener>();
  #unsubscribe: (() => void) | undefined;
  #counts: QueuesAnswer | undefined;
  #counting: Promise<QueuesAnswer> | undefined;
  readonly #counted = new Quickest();
  readonly #sampled = new Quickest();
  #lastAt = 0;
  #lastFinal: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #isRunning = false;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#ended = new EndedJobs(broker);
  }

  /** Begins: the broker must be open. */
  start(): void {
    this.#isRunning = true;
    this.#lastAt = Date.now();
    this.#plan(0);
  }

  /** Ends. Resolves when nothing is asked any more. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#pass;
    await this.#counting?.catch(() => {});
  }

  /** Tells of each sample from now on, and samples more often. @returns ends it */
  watch(listener: SampleListener): () => void {
    const own: SampleListener = (sample) => listener(sample);
    this.#listeners.add(own);
    if (this.#listeners.size === 1 && this.#isRunning) {
      this.#unsubscribe ??= this.#broker.subscribe((ids) => this.#ended.hear(ids));
      if (this.#pass === undefined) this.#plan(Math.max(0, this.#lastAt + this.#everyMs() - Date.now()));
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      this.#ended.stopHearing();
    };
  }

  /** How many jobs the queues have: counted now, unless that was done a moment ago or takes long. */
  async counts(): Promise<QueuesAnswer> {
    if (!this.#broker.supports.has("list")) return { queues: [], at: Date.now() };
    const known = this.#counts;
    if (known !== undefined && Date.now() - known.at < this.#countsLastMs()) return known;
    const counting = this.#countOnce();
    if (known === undefined || this.#counted.ms < slowMs) return counting;
    // Nobody waits for what takes long: the next who asks gets it.
    counting.catch(() => {});
    return known;
  }

  #countOnce(): Promise<QueuesAnswer> {
    return (this.#counting ??= this.#count().finally(() => (this.#counting = undefined)));
  }

  /** Somebody has changed something, and wants to see it. */
  forget(): void {
    if (this.#counted.ms < slowMs) this.#counts = undefined;
  }

  #countsLastMs(): number {
    return Math.max(watchedMs * 0.9, this.#counted.ms * pauseFactor);
  }

  async #count(): Promise<QueuesAnswer> {
    const startedMs = performance.now();
    const queues = await this.#broker.counts();
    this.#counted.add(performance.now() - startedMs);
    return (this.#counts = { queues, at: Date.now() });
  }

  #everyMs(): number {
    return Math.max(this.#listeners.size > 0 ? watchedMs : unwatchedMs, this.#sampled.ms * pauseFactor);
  }

  #plan(inMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning) return;
    this.#timer = setTimeout(() => {
      this.#pass = this.#sample().finally(() => {
        this.#pass = undefined;
        this.#plan(this.#everyMs());
      });
    }, inMs);
    this.#timer.unref();
  }

  async #sample(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#takeSample();
    } catch {
      // The broker is away. Whoever looks at a page sees it there, and the next sample says when it is back.
    }
    this.#sampled.add(performance.now() - startedMs);
  }

  async #takeSample(): Promise<void> {
    const hasCounts = this.#broker.supports.has("list");
    // Fresh ones: the pause between two samples has paid for them.
    const { queues, at } = hasCounts ? await this.#countOnce() : { queues: [], at: Date.now() };
    const final = totalOf(queues, finalStatuses);
    const delta = this.#lastFinal === undefined ? 0 : Math.max(0, final - this.#lastFinal);
    const endings = this.#broker.supports.has("results")
      ? await this.#ended.look(this.#unsubscribe !== undefined, delta)
      : { succeeded: 0, failed: 0, durations: [] };
    const now = Date.now();
    const oldest = queues.map(({ oldestQueuedAt }) => oldestQueuedAt).filter((since) => since !== undefined);
    const point = this.history.add({
      ...endings,
      at: now,
      forMs: now - this.#lastAt,
      queued: hasCounts ? totalOf(queues, ["queued"]) : undefined,
      running: hasCounts ? totalOf(queues, ["running"]) : undefined,
      oldestMs: oldest.length === 0 ? undefined : Math.max(0, at - Math.min(...oldest)),
    });
    this.#lastAt = now;
    this.#lastFinal = final;
    const sample: SampleEvent = { queues, at, point, everyMs: this.#everyMs() };
    for (const listener of [...this.#listeners]) listener(sample);
  }
}

/** How long something takes: the quickest of the last times, since the others have waited for something else as well. */
class Quickest {
  #last: readonly number[] = [];

  add(ms: number): void {
    this.#last = [...this.#last.slice(-4), ms];
  }

  /** 0 as long as too few times are known: the first are slow because they are the first. */
  get ms(): number {
    return this.#last.length < 3 ? 0 : Math.min(...this.#last);
  }
}

function totalOf(queues: readonly QueueCounts[], statuses: readonly (keyof QueueCounts)[]): number {
  return queues.reduce((total, counts) => statuses.reduce((sum, status) => sum + Number(counts[status]), total), 0);
}
