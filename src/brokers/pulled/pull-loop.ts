import { AfterwordError } from "../../internal/afterword-error.ts";
import { inRootContext } from "../../internal/root-context.ts";
import { isThenable } from "../../internal/thenable.ts";
import { afterTurn, type Waiting } from "../../internal/turn.ts";
import type { ConsumeOptions, Consumer } from "../../tasks/broker.ts";
import type { Delivery, DeliveryReports, Execute } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import { jobClaimed, publishClaimed } from "../../tasks/job-channels.ts";
import { ClaimedJobs } from "./claimed-jobs.ts";
import { Claimer, type Slots } from "./claimer.ts";
import { EndingBatch } from "./ending-batch.ts";
import { Heartbeat } from "./heartbeat.ts";
import { HeldJob } from "./held-job.ts";
import { HoldTable } from "./hold-table.ts";
import { jobLost } from "./lease-lost.ts";
import { ReportBuffer } from "./report-buffer.ts";
import type { Hold, Store } from "./store.ts";
import { Trouble } from "./trouble.ts";
import { Waiters } from "./waiters.ts";

/** Jobs whose functions are synchronous run one after the other for so long before others get a turn of the event loop. */
const sliceMs = 5;
/** So long jobs that are aborted at shutdown may take to end by themselves. */
const graceMs = 50;
/** So long closing tries to reach a store that is away. */
const lastTryMs = 1_500;

const givenBack: Ending = { status: "released" };

/**
 * Hands the jobs of a store to a worker: claims as many as there are free slots, runs them, stores their endings together.
 * Hints of the store make it quick, a slow poll makes it certain.
 *
 * What happens in a turn of the event loop is taken up at its end: the endings of that turn are stored with one call, and
 * the slots that they have freed are filled by the next. Stores answer calls in their order, so the claim sees what the
 * endings have made possible, and both may share a transaction.
 */
export class PullLoop implements Consumer, DeliveryReports, Slots, Waiting {
  readonly #broker: string;
  readonly #store: Store;
  readonly #options: ConsumeOptions;
  readonly #execute: Execute;
  readonly #held = new HoldTable();
  readonly #claimed = new ClaimedJobs();
  readonly #waiters = new Waiters();
  readonly #trouble: Trouble;
  readonly #reports: ReportBuffer;
  readonly #endings: EndingBatch;
  readonly #claimer: Claimer;
  readonly #heartbeat: Heartbeat;
  readonly #unsubscribe: () => void;
  readonly #maxUnstored: number;
  #running = 0;
  /** What the store has told of in this turn. */
  #news: (readonly string[] | undefined)[] = [];
  #isTurnPlanned = false;
  /** Whether something may have come, or a slot was freed. */
  #isClaimDue = false;
  #isHeldBack = false;
  #isClosed = false;
  #closing: Promise<void> | undefined = undefined;

  /** @param broker - its name */
  constructor(broker: string, store: Store, options: ConsumeOptions, execute: Execute) {
    this.#broker = broker;
    this.#store = store;
    this.#options = options;
    this.#execute = execute;
    this.#maxUnstored = 4 * options.slots + 64;
    this.#trouble = new Trouble(options.onError);
    this.#reports = new ReportBuffer(store, this.#trouble);
    this.#endings = new EndingBatch(store, this.#held, this.#reports, this.#trouble, () => this.#endingsSettled());
    this.#claimer = new Claimer(store, options, this.#trouble, this);
    this.#heartbeat = new Heartbeat(store, options, this.#held, this.#trouble, (held) => this.#lose(held));
    // Whoever stores a job has a context of its own, which is none of the job's business.
    this.#unsubscribe = store.subscribe((ids) => inRootContext(() => this.#changed(ids)));
    inRootContext(() => {
      this.#heartbeat.start();
      this.#claimer.claim();
    });
  }

  get running(): number {
    return this.#running;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The store tells of claims and endings as well, and may do so before it answers: a turn later it is known what is news. */
  #changed(ids: readonly string[] | undefined): void {
    this.#news.push(ids);
    this.#planTurn();
  }

  #heedNews(): void {
    const news = this.#news;
    if (news.length === 0) return;
    this.#news = [];
    for (const ids of news) {
      const isVague = ids === undefined || ids.length === 0;
      if (isVague || this.#held.hasOthers(ids)) this.#isClaimDue = true;
      if (this.#running > 0 && (isVague || this.#held.hasRunning(ids))) this.#heartbeat.soon(isVague);
    }
  }

  // Slots

  get free(): number {
    return this.#isHeldBack ? 0 : this.#options.slots - this.#running;
  }

  fill(jobs: readonly DeliveredJob[]): void {
    const leaseEndMs = performance.now() + this.#options.leaseMs;
    for (const job of jobs) {
      // When this worker has been silent for too long, it may be the one that is given its job anew.
      const lost = this.#held.get(job.id);
      if (lost !== undefined && lost.ending === undefined) this.#lose(lost);
      const held = new HeldJob(job, this, leaseEndMs);
      this.#held.add(held);
      this.#claimed.push(held);
      if (jobClaimed.hasSubscribers) publishClaimed(held, this.#broker);
    }
    this.#running += jobs.length;
    this.#planTurn();
  }

  known(): readonly Hold[] {
    return this.#held.all();
  }

  settled(): void {
    this.#waiters.tell();
  }

  // Turns

  #planTurn(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    afterTurn(this);
  }

  resume(): void {
    inRootContext(() => this.#takeTurn());
  }

  #takeTurn(): void {
    this.#isTurnPlanned = false;
    if (this.#isClosed) return;
    this.#heedNews();
    this.#runClaimed();
    this.#endings.store();
    // Nothing is claimed on top of many endings that the store does not take.
    this.#isHeldBack = this.#endings.size > this.#maxUnstored;
    if (this.#isClaimDue && !this.#isHeldBack) {
      this.#isClaimDue = false;
      this.#claimer.claim();
    }
    if (this.#claimed.size > 0) this.#planTurn();
    this.#waiters.tell();
  }

  #runClaimed(): void {
    const endMs = performance.now() + sliceMs;
    do {
      const held = this.#claimed.shift();
      if (held === undefined) return;
      this.#begin(held);
    } while (performance.now() < endMs);
  }

  #begin(held: HeldJob): void {
    // It was lost or given back before its turn.
    if (held.ending !== undefined) return;
    if (held.abortReason?.code === "canceled")
      return this.#end(held, { status: "canceled", reason: held.abortReason.message });
    const ending = this.#execute(held);
    if (isThenable(ending)) {
      void ending.then((settled) => {
        this.#end(held, settled as Ending);
        this.#planTurn();
      });
    } else this.#end(held, ending);
  }

  #end(held: HeldJob, ending: Ending): void {
    // Whoever was lost or given back has its ending already, and what comes later does not count.
    if (held.ending !== undefined) return;
    held.ending = ending;
    this.#running--;
    this.#isClaimDue = true;
    this.#endings.add(held);
  }

  #endingsSettled(): void {
    if (this.#endings.size > 0 || this.#isHeldBack) this.#planTurn();
    this.#waiters.tell();
  }

  #lose(held: HeldJob): void {
    held.ending = givenBack;
    this.#running--;
    this.#isClaimDue = true;
    this.#held.delete(held);
    held.abort(jobLost(held));
    this.#planTurn();
  }

  // DeliveryReports

  progress(delivery: Delivery, value: number, note: string | undefined): void {
    const held = delivery as HeldJob;
    if (held.ending === undefined) this.#reports.progress(held, value, note);
  }

  log(delivery: Delivery, line: string): void {
    const held = delivery as HeldJob;
    if (held.ending === undefined) this.#reports.log(held, line);
  }

  // The end

  stop(): Promise<void> {
    this.#claimer.stop();
    return this.#waiters.until(() => !this.#claimer.isClaiming);
  }

  idle(): Promise<void> {
    return this.#waiters.until(() => this.#running === 0 && this.#endings.size === 0);
  }

  close(): Promise<void> {
    return (this.#closing ??= inRootContext(() => this.#close()));
  }

  async #close(): Promise<void> {
    await this.stop();
    for (let held = this.#claimed.shift(); held !== undefined; held = this.#claimed.shift()) this.#end(held, givenBack);
    const reason = new AfterwordError("shutdown", "The worker shuts down, and the job is given back.");
    for (const held of this.#held.running()) held.abort(reason);
    await this.#waiters.until(() => this.#running === 0, graceMs);
    for (const held of this.#held.running()) this.#end(held, givenBack);
    this.#endings.storeNow();
    await this.#waiters.until(() => this.#endings.size === 0, lastTryMs);
    this.#isClosed = true;
    this.#endings.stop();
    this.#heartbeat.stop();
    this.#reports.stop();
    this.#unsubscribe();
    // Whoever cannot say goodbye is missed one lease later.
    await this.#store.leave({ worker: this.#options.worker.id }).catch(() => {});
  }
}
