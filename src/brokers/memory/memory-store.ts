import type { CancelResult, ChangeListener, StoredJob, WorkerRecord } from "../../tasks/broker.ts";
import type { Job, NewJob } from "../../tasks/job.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Store } from "../pulled/store.ts";
import { Changes } from "../pulled/changes.ts";
import { Dependencies } from "./dependencies.ts";
import { Finishing } from "./finishing.ts";
import { Handout } from "./handout.ts";
import { Intake } from "./intake.ts";
import { JobIndex } from "./job-index.ts";
import { findEnded, findPage } from "./job-search.ts";
import { JobStates } from "./job-states.ts";
import { RunningJobs } from "./running-jobs.ts";
import { Schedules } from "./schedules.ts";
import { TaskLimits } from "./task-limits.ts";
import { Upkeep } from "./upkeep.ts";
import { WorkerList } from "../pulled/worker-list.ts";

type RequestOf<V extends Exclude<keyof Store, "subscribe">> = Parameters<Store[V]>[0];
type AnswerOf<V extends keyof Store> = ReturnType<Store[V]>;

/** What {@link MemoryStore} is made with. */
export interface MemoryStoreOptions {
  readonly maxQueued?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now?: (() => number) | undefined;
}

/**
 * Jobs in the memory of this process. Each verb does its work at once when it is called, and is therefore atomic; first it
 * does what the time that has passed asks for.
 */
export class MemoryStore implements Store {
  readonly #now: () => number;
  readonly #changes = new Changes();
  readonly #index = new JobIndex();
  readonly #running = new RunningJobs();
  readonly #limits = new TaskLimits(this.#running);
  readonly #states = new JobStates(this.#index, this.#running, this.#limits, this.#changes);
  readonly #dependencies = new Dependencies(this.#index, this.#states);
  readonly #upkeep = new Upkeep(this.#states, this.#dependencies);
  readonly #finishing = new Finishing(this.#states, this.#dependencies);
  readonly #schedules = new Schedules();
  readonly #workers = new WorkerList();
  readonly #handout: Handout;
  readonly #intake: Intake;

  constructor({ maxQueued = Infinity, now = Date.now }: MemoryStoreOptions = {}) {
    this.#now = now;
    const parts = {
      index: this.#index,
      states: this.#states,
      running: this.#running,
      limits: this.#limits,
      dependencies: this.#dependencies,
    };
    this.#handout = new Handout(parts);
    this.#intake = new Intake({ ...parts, maxQueued });
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  /** The time, after all that it asks for is done. */
  #upToNow(): number {
    const now = this.#now();
    this.#upkeep.run(now);
    return now;
  }

  // Storing

  async enqueue({ jobs, transaction }: RequestOf<"enqueue">): Promise<readonly StoredJob[]> {
    if (transaction !== undefined)
      throw new StoreError("not_stored", "Nothing was stored: the memory broker takes part in no transaction.");
    return this.#intake.add(jobs, this.#upToNow());
  }

  async tick({ schedule, ticks }: RequestOf<"tick">): Promise<readonly boolean[]> {
    const now = this.#upToNow();
    const areNext = this.#schedules.areNext(
      schedule,
      ticks.map(({ at }) => at),
    );
    const jobs: NewJob[] = [];
    let lastAt = 0;
    for (const [index, { at, job }] of ticks.entries()) {
      if (!areNext[index]) continue;
      jobs.push(job);
      lastAt = at;
    }
    const stored = this.#intake.add(jobs, now);
    if (stored.length > 0) this.#schedules.ticked(schedule, lastAt, stored.at(-1)!.id);
    return areNext;
  }

  // What workers do

  async claim(request: RequestOf<"claim">): AnswerOf<"claim"> {
    return this.#handout.claim(request, this.#upToNow());
  }

  async holds({ worker }: RequestOf<"holds">): AnswerOf<"holds"> {
    return this.#running.of(worker).map(({ id, epoch }) => ({ id, epoch }));
  }

  async extend({ worker, holds, leaseMs }: RequestOf<"extend">): AnswerOf<"extend"> {
    const now = this.#upToNow();
    this.#workers.seen(worker, leaseMs, now);
    return this.#handout.extend(holds, leaseMs, now);
  }

  async finish({ endings }: RequestOf<"finish">): Promise<readonly boolean[]> {
    const now = this.#upToNow();
    return endings.map((each) => {
      const record = this.#handout.heldBy(each);
      if (record !== undefined) this.#finishing.finish(record, each.ending, now);
      return record !== undefined;
    });
  }

  async report({ reports }: RequestOf<"report">): Promise<void> {
    const at = this.#now();
    for (const { progress, log, ...hold } of reports) {
      const record = this.#handout.heldBy(hold);
      if (record === undefined) continue;
      if (progress !== undefined) record.progress = Object.freeze({ ...progress, at });
      if (log.length > 0) record.addLines(log, at);
      this.#changes.add(record.id);
    }
  }

  async leave({ worker }: RequestOf<"leave">): Promise<void> {
    this.#workers.leave(worker);
  }

  // Looking

  async get({ ids }: RequestOf<"get">): Promise<readonly (Job | undefined)[]> {
    this.#upToNow();
    return ids.map((id) => this.#index.get(id)?.toJob());
  }

  async list({ filter, limit, after }: RequestOf<"list">): AnswerOf<"list"> {
    this.#upToNow();
    return findPage(this.#index.byAge(after), filter, limit);
  }

  async counts(): AnswerOf<"counts"> {
    this.#upToNow();
    return this.#index.queues().map((queue) => queue.counts());
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    return this.#workers.all((worker) => this.#running.of(worker).length, this.#now());
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#changes.subscribe(listener);
  }

  // Changing

  async cancel({ ids, reason }: RequestOf<"cancel">): Promise<readonly CancelResult[]> {
    const now = this.#upToNow();
    return ids.map((id) => {
      const record = this.#index.get(id);
      if (record === undefined) return "unknown";
      if (record.isFinal) return "ended";
      if (record.status !== "running") {
        this.#dependencies.end(record, { status: "canceled", reason }, now);
        return "canceled";
      }
      record.reason ??= reason;
      this.#changes.add(id);
      return "requested";
    });
  }

  async retry({ ids }: RequestOf<"retry">): Promise<readonly boolean[]> {
    const now = this.#upToNow();
    const records = ids.map((id) => this.#index.get(id));
    const canBe = records.map((record) => record?.isFinal === true && record.status !== "succeeded");
    return records.map((record, index) => {
      if (record === undefined || !canBe[index]) return false;
      // An earlier one may have taken it along.
      if (!record.isFinal) return true;
      if (this.#index.holderOf(record.task, record.uniqueKey) !== undefined) return false;
      this.#dependencies.reopen(record, now);
      return true;
    });
  }

  async remove({ ids }: RequestOf<"remove">): Promise<readonly boolean[]> {
    const now = this.#upToNow();
    return ids.map((id) => {
      const record = this.#index.get(id);
      if (record === undefined || record.status === "running") return false;
      this.#dependencies.forget(record, now);
      return true;
    });
  }

  async purge(request: RequestOf<"purge">): Promise<number> {
    const now = this.#upToNow();
    const ended = findEnded(this.#index.byAge(), request, now);
    for (const record of ended) this.#dependencies.forget(record, now);
    return ended.length;
  }

  async pause({ queue }: RequestOf<"pause">): Promise<void> {
    this.#index.queue(queue).isPaused = true;
    this.#changes.addAll();
  }

  async resume({ queue }: RequestOf<"resume">): Promise<void> {
    const known = this.#index.queue(queue);
    known.isPaused = false;
    this.#index.forgetIfUnused(known);
    this.#changes.addAll();
  }

  // Schedules

  async putSchedule(request: RequestOf<"putSchedule">): AnswerOf<"putSchedule"> {
    return this.#schedules.put(request, this.#now());
  }

  async removeSchedule({ name }: RequestOf<"removeSchedule">): Promise<boolean> {
    return this.#schedules.remove(name);
  }

  async schedules(): AnswerOf<"schedules"> {
    return this.#schedules.all();
  }

  async pauseSchedule({ name, isPaused }: RequestOf<"pauseSchedule">): Promise<boolean> {
    return this.#schedules.pause(name, isPaused);
  }
}
