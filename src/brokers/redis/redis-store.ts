import type { CancelResult, ChangeListener, QueueCounts, ScheduleRecord, WorkerInfo } from "../../tasks/broker.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { workerLost } from "../pulled/part-results.ts";
import type { Claim, Store } from "../pulled/store.ts";
import { Connection, type Reply } from "./connection.ts";
import { toCounts } from "./counts.ts";
import { toEndingArguments, toFailureText } from "./endings.ts";
import { Hints } from "./hints.ts";
import { Intake, unlessFull } from "./intake.ts";
import { toArguments, toDelivered, toJob } from "./job-row.ts";
import type { RedisConfig } from "./options.ts";
import { toJson } from "./to-json.ts";

type RequestOf<V extends keyof Store> = Parameters<Store[V]>[0];
type AnswerOf<V extends keyof Store> = ReturnType<Store[V]>;

/** So many jobs are looked at for one page of a list, or for one step of a purge: whoever searches does not stop those who work. */
const scannedAtOnce = 1_000;

/** Jobs in BullMQ's own hashes and sets, and beside them what BullMQ has no place for. Each verb is one script: one atomic step. */
export class RedisStore implements Store {
  readonly #config: RedisConfig;
  readonly #connection: Connection;
  readonly #hints: Hints;
  readonly #intake: Intake;
  #claims = 0;

  constructor(config: RedisConfig) {
    this.#config = config;
    this.#connection = new Connection(config);
    this.#hints = new Hints(config, this.#connection);
    this.#intake = new Intake(this.#connection, config.maxQueued);
  }

  async open(): Promise<void> {
    await this.#connection.open();
    await this.#hints.open();
  }

  async close(): Promise<void> {
    this.#hints.close();
    await this.#connection.close();
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#hints.subscribe(listener);
  }

  // Storing

  async enqueue({ jobs, transaction }: RequestOf<"enqueue">): AnswerOf<"enqueue"> {
    if (transaction !== undefined)
      throw new StoreError("not_stored", "Nothing was stored: the redis broker takes part in no transaction.");
    return jobs.length === 0 ? [] : this.#intake.add(jobs);
  }

  async tick({ schedule, ticks }: RequestOf<"tick">): AnswerOf<"tick"> {
    const times = JSON.stringify(ticks.map(({ at }) => at));
    const jobs = ticks.flatMap(({ job }) => toArguments(job));
    const { maxQueued } = this.#config;
    const reply = await this.#connection.ask("tick", [maxQueued ?? -1, schedule, times, ...jobs]);
    return toBooleans(unlessFull(reply, maxQueued));
  }

  // What workers do

  async claim(request: RequestOf<"claim">): Promise<Claim> {
    const token = `${request.worker}:${++this.#claims}`;
    const lost = toFailureText(workerLost(request.maxDeliveries));
    const reply = await this.#connection.ask("claim", [toJson({ ...request, token, lost })]);
    const [nextMs, jobs] = reply as readonly [number, readonly Reply[]];
    return { jobs: jobs.map(toDelivered), nextMs: nextMs < 0 ? undefined : nextMs };
  }

  async holds({ worker }: RequestOf<"holds">): AnswerOf<"holds"> {
    const rows = (await this.#connection.ask("holds", [worker])) as readonly (readonly [string, number])[];
    return rows.map(([id, epoch]) => ({ id, epoch }));
  }

  async extend(request: RequestOf<"extend">): AnswerOf<"extend"> {
    const [lost, canceled] = (await this.#connection.ask("extend", [toJson(request)])) as readonly [
      readonly string[],
      readonly (readonly [string, string])[],
    ];
    return { lost, canceled: canceled.map(([id, reason]) => ({ id, reason })) };
  }

  async finish({ endings }: RequestOf<"finish">): AnswerOf<"finish"> {
    return toBooleans(await this.#connection.ask("finish", endings.flatMap(toEndingArguments)));
  }

  async report({ reports }: RequestOf<"report">): Promise<void> {
    const plain = reports.map(({ id, epoch, progress, log }) => ({
      id,
      epoch,
      progress: progress?.value,
      note: progress?.note,
      log,
    }));
    await this.#connection.ask("report", [toJson(plain)]);
  }

  async leave({ worker }: RequestOf<"leave">): Promise<void> {
    await this.#connection.ask("leave", [worker]);
  }

  // Looking

  async get({ ids }: RequestOf<"get">): AnswerOf<"get"> {
    return ((await this.#connection.ask("get", ids)) as readonly Reply[]).map(toJob);
  }

  async list(request: RequestOf<"list">): AnswerOf<"list"> {
    const reply = await this.#connection.ask("list", [toJson({ ...request, scanned: scannedAtOnce })]);
    const [next, rows] = reply as readonly [string, readonly Reply[]];
    return { jobs: rows.map(toJob).filter((job) => job !== undefined), next: next === "" ? undefined : next };
  }

  async counts(): Promise<readonly QueueCounts[]> {
    return toCounts(await this.#connection.ask("counts"));
  }

  async workers(): AnswerOf<"workers"> {
    const rows = (await this.#connection.ask("workers")) as readonly (readonly [string, string, string, number])[];
    return rows
      .map(([worker, startedAt, seenAt, running]) => ({
        ...(JSON.parse(worker) as WorkerInfo),
        startedAt: Number(startedAt),
        seenAt: Number(seenAt),
        running,
      }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  // Changing

  async cancel({ ids, reason }: RequestOf<"cancel">): AnswerOf<"cancel"> {
    return (await this.#connection.ask("cancel", [reason, ...ids])) as readonly CancelResult[];
  }

  async retry({ ids }: RequestOf<"retry">): AnswerOf<"retry"> {
    return toBooleans(await this.#connection.ask("retry", ids));
  }

  async remove({ ids }: RequestOf<"remove">): AnswerOf<"remove"> {
    return toBooleans(await this.#connection.ask("remove", ids));
  }

  async purge({ statuses, queue, task, olderThanMs = 0 }: RequestOf<"purge">): Promise<number> {
    let purged = 0;
    for (const status of new Set(statuses)) {
      let next: { readonly engine: string; readonly skip: number } | undefined = { engine: "", skip: 0 };
      while (next !== undefined) {
        const request = { status, queue, task, olderThanMs, scanned: scannedAtOnce, ...next };
        const reply = await this.#connection.ask("purge", [toJson(request)]);
        const [count, skip, engine] = reply as readonly [number, number, string];
        purged += count;
        next = engine === "" ? undefined : { engine, skip };
      }
    }
    return purged;
  }

  async pause({ queue }: RequestOf<"pause">): Promise<void> {
    await this.#connection.ask("pause", [queue]);
  }

  async resume({ queue }: RequestOf<"resume">): Promise<void> {
    await this.#connection.ask("resume", [queue]);
  }

  // Schedules

  async putSchedule({ name, cron, timezone, task }: RequestOf<"putSchedule">): AnswerOf<"putSchedule"> {
    return toSchedule(await this.#connection.ask("putSchedule", [toJson({ name, cron, timezone, task })]));
  }

  async removeSchedule({ name }: RequestOf<"removeSchedule">): Promise<boolean> {
    return (await this.#connection.ask("removeSchedule", [name])) === 1;
  }

  async schedules(): AnswerOf<"schedules"> {
    const texts = (await this.#connection.ask("schedules")) as readonly string[];
    return texts.map(toSchedule).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async pauseSchedule({ name, isPaused }: RequestOf<"pauseSchedule">): Promise<boolean> {
    return (await this.#connection.ask("pauseSchedule", [name, isPaused ? 1 : 0])) === 1;
  }
}

function toBooleans(reply: Reply): boolean[] {
  return (reply as readonly number[]).map((each) => each === 1);
}

function toSchedule(text: Reply): ScheduleRecord {
  const record = JSON.parse(text as string) as ScheduleRecord;
  return { ...record, lastTickAt: record.lastTickAt, lastJobId: record.lastJobId };
}
