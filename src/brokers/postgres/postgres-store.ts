import type { PgBoss } from "pg-boss";
import type { Pool } from "pg";
import type { ChangeListener, StoredJob } from "../../tasks/broker.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Claim, Hold, Store } from "../pulled/store.ts";
import { stopBoss } from "./boss.ts";
import { Catalog, createQueues } from "./catalog.ts";
import { cancel, forget, purge, purgedAtOnce, remove, retry } from "./change.ts";
import { Changes } from "./changes.ts";
import { claim, nextMs } from "./claim.ts";
import { ClaimedHere } from "./claimed-here.ts";
import { Database, type Work } from "./database.ts";
import { arePlain, enqueue, insertJobs } from "./enqueue.ts";
import { extend, finish, report, succeed, type HoldEnding } from "./finish.ts";
import { counts, get, workers } from "./inspect.ts";
import { toInsert, type JobInsert } from "./job-insert.ts";
import { toDelivered, type DeliveredRow } from "./job-row.ts";
import { claimLimited } from "./limits.ts";
import { list } from "./list.ts";
import { openDatabase } from "./open-database.ts";
import type { PostgresConfig } from "./options.ts";
import { settleParts } from "./parts.ts";
import { PlainIntake } from "./plain-intake.ts";
import { isQueueGone } from "./postgres-error.ts";
import { pauseSchedule, putSchedule, removeSchedule, schedules, tick } from "./schedules.ts";
import { Statistics } from "./statistics.ts";
import { UpkeepTimer } from "./upkeep-timer.ts";
import { enqueueInTransaction, toQuery } from "./user-transaction.ts";
import { closePool } from "./close-pool.ts";

/** What there is while the broker is open. */
interface Opened {
  readonly database: Database;
  readonly changes: Changes;
  readonly statistics: Statistics;
  readonly upkeep: UpkeepTimer;
  readonly intake: PlainIntake;
  readonly pool: Pool;
  readonly slowPool: Pool;
  readonly boss: PgBoss;
}

/** Jobs in pg-boss's table, and what it lacks beside it. */
export class PostgresStore implements Store {
  readonly #config: PostgresConfig;
  readonly #catalog = new Catalog();
  readonly #listeners = new Map<ChangeListener, () => void>();
  readonly #claimedHere = new ClaimedHere();
  #opened: Opened | undefined = undefined;
  /** What jobs say of themselves is stored before their ending, after which it would be refused. */
  #reporting: Promise<unknown> = Promise.resolve();
  #claiming: Promise<unknown> = Promise.resolve();
  /** Endings that are being stored, and those of them that give jobs back: claims are to find what they have made possible. */
  #finishing: Promise<unknown> = Promise.resolve();
  #givingBack: Promise<unknown> = Promise.resolve();

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  async open(): Promise<void> {
    const { pool, slowPool, boss } = await openDatabase(this.#config);
    const { tables } = this.#config;
    const database = new Database(this.#config, pool);
    const changes = new Changes(tables, pool, () => this.#readCatalog());
    const statistics = new Statistics(slowPool, tables);
    const upkeep = new UpkeepTimer(database, this.#catalog, (ids) => changes.tell(ids));
    const intake = new PlainIntake((batch) => this.#single((core) => insertJobs(core, batch)));
    this.#opened = { database, changes, statistics, upkeep, intake, pool, slowPool, boss };
    try {
      await database.single((core) => this.#catalog.read(core));
    } catch (error) {
      await this.close();
      throw error;
    }
    void statistics.refresh();
    for (const listener of this.#listeners.keys()) this.#listeners.set(listener, changes.subscribe(listener));
    changes.open();
    upkeep.start();
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    this.#opened = undefined;
    this.#claimedHere.clear();
    for (const [listener, end] of this.#listeners) {
      end();
      this.#listeners.set(listener, () => {});
    }
    opened.upkeep.stop();
    await opened.database.idle();
    await opened.changes.close();
    await stopBoss(opened.boss);
    await Promise.all([closePool(opened.slowPool), ...(this.#config.pool ? [] : [closePool(opened.pool)])]);
    opened.database.drop();
  }

  subscribe(listener: ChangeListener): () => void {
    // One that is given twice is told twice, and ended one by one.
    const own: ChangeListener = (ids) => listener(ids);
    this.#listeners.set(own, this.#opened?.changes.subscribe(own) ?? (() => {}));
    return () => {
      this.#listeners.get(own)?.();
      this.#listeners.delete(own);
    };
  }

  get #open(): Opened {
    if (this.#opened) return this.#opened;
    throw new StoreError("broker_closed", "The broker postgres was closed before this was done: nothing has happened.");
  }

  async #single<T>(work: Work<T>): Promise<T> {
    return this.#told(await this.#open.database.single(work));
  }

  async #transact<T>(work: Work<T>): Promise<T> {
    return this.#told(await this.#open.database.transact(work));
  }

  #told<T>({ value, changed }: { readonly value: T; readonly changed: readonly string[] }): T {
    if (changed.length > 0) this.#opened?.changes.tell(changed);
    return value;
  }

  /** What others have changed may be a new queue. */
  #readCatalog(): void {
    void this.#opened?.database.single((core) => this.#catalog.read(core)).catch(() => {});
  }

  async #createQueues(jobs: readonly JobInsert[]): Promise<void> {
    const missing = this.#catalog.missing(jobs);
    if (missing.length === 0) return;
    await this.#open.database.transact((core) => createQueues(core, missing));
    this.#catalog.add(missing);
  }

  async enqueue({ jobs, transaction }: Parameters<Store["enqueue"]>[0]): Promise<readonly StoredJob[]> {
    if (jobs.length === 0) return [];
    const inserts = jobs.map(toInsert);
    const query = transaction === undefined ? undefined : await toQuery(transaction);
    await this.#createQueues(inserts);
    if (query) return enqueueInTransaction(query, inserts, this.#config, this.#open.changes.channel);
    const stored = await this.#store(inserts).catch(async (error: unknown) => {
      if (!isQueueGone(error)) throw error;
      // Somebody has deleted the queue through pg-boss.
      this.#catalog.forget();
      await this.#createQueues(inserts);
      return this.#store(inserts);
    });
    this.#opened?.statistics.added(jobs.length);
    return stored;
  }

  async #store(inserts: readonly JobInsert[]): Promise<readonly StoredJob[]> {
    if (!arePlain(inserts)) return this.#transact((core) => enqueue(core, inserts));
    await this.#open.intake.add(inserts);
    return inserts.map(({ job }) => ({ id: job.id, isDuplicate: false }));
  }

  /** One after the other, so that the workers of a process do not skip what another one has locked for a moment. */
  claim(request: Parameters<Store["claim"]>[0]): Promise<Claim> {
    const claiming = this.#claiming.then(() => this.#claim(request));
    this.#claiming = claiming.catch(() => {});
    return claiming;
  }

  async #claim(request: Parameters<Store["claim"]>[0]): Promise<Claim> {
    await this.#givingBack;
    const { plain, limited } = this.#catalog.find(request.queues);
    if (limited.length > 0) await this.#finishing;
    let rows: readonly DeliveredRow[];
    let waitMs = Infinity;
    if (limited.length === 0) {
      const sources = plain.map((name) => ({ name, count: request.count }));
      rows = (await this.#open.database.once((core) => claim(core, sources, request))).value;
    } else
      ({ rows, waitMs } = (
        await this.#open.database.transact((core) => claimLimited(core, plain, limited, request))
      ).value);
    const jobs = rows.map((row) => toDelivered(row, this.#catalog.queueOf(row.name)));
    this.#claimedHere.add(rows);
    if (jobs.length === request.count) return { jobs, nextMs: undefined };
    const names = [...plain, ...limited.map(({ name }) => name)];
    const next = await this.#open.database.single((core) => nextMs(core, names)).catch(() => undefined);
    const soonestMs = Math.min(waitMs, next?.value ?? Infinity);
    return { jobs, nextMs: soonestMs === Infinity ? undefined : soonestMs };
  }

  finish({ endings }: Parameters<Store["finish"]>[0]): Promise<readonly boolean[]> {
    const finishing = this.#finish(endings);
    const settled = finishing.catch(() => {});
    this.#finishing = both(this.#finishing, settled);
    if (endings.some(({ ending }) => ending.status === "retry" || ending.status === "released"))
      this.#givingBack = both(this.#givingBack, settled);
    return finishing;
  }

  async #finish(endings: readonly HoldEnding[]): Promise<readonly boolean[]> {
    await this.#reporting;
    const successes = this.#claimedHere.locate(endings.filter(({ ending }) => ending.status === "succeeded"));
    const stored =
      successes.length === 0
        ? new Set<string>()
        : new Set(this.#told(await this.#open.database.once((core) => succeed(core, successes))));
    const rest: HoldEnding[] = [];
    const isStored = endings.map((each) => {
      if (each.ending.status === "succeeded" && stored.delete(each.id)) return true;
      rest.push(each);
      return false;
    });
    const accepted = rest.length === 0 ? [] : await this.#transact((core) => finish(core, rest));
    this.#claimedHere.forget(endings);
    let next = 0;
    return isStored.map((isAccepted) => isAccepted || accepted[next++]!);
  }

  holds({ worker }: Parameters<Store["holds"]>[0]): ReturnType<Store["holds"]> {
    return this.#single((core) =>
      core.rows<Hold>(
        `SELECT j.id, j.retry_count AS epoch FROM ${core.tables.own}.queues q JOIN ${core.tables.jobs} j ON j.name = q.name
         WHERE j.state = 'active' AND j.trace_context ->> 'worker' = $1`,
        worker,
      ),
    );
  }

  async extend(request: Parameters<Store["extend"]>[0]): ReturnType<Store["extend"]> {
    const located = this.#claimedHere.locate(request.holds);
    const { value } = await this.#open.database.single((core) => extend(core, request, located));
    const lost = new Set(value.lost);
    this.#claimedHere.forget(located.filter(({ id }) => lost.has(id)));
    return value;
  }

  async report({ reports }: Parameters<Store["report"]>[0]): Promise<void> {
    const reporting = this.#reporting.then(() =>
      this.#transact((core) => report(core, this.#claimedHere.locate(reports))),
    );
    this.#reporting = reporting.catch(() => {});
    await reporting;
  }

  async leave({ worker }: Parameters<Store["leave"]>[0]): Promise<void> {
    await this.#single((core) => core.rows(`DELETE FROM ${core.tables.own}.workers WHERE id = $1`, worker));
  }

  get({ ids }: Parameters<Store["get"]>[0]): ReturnType<Store["get"]> {
    return this.#single((core) => get(core, ids));
  }

  list(request: Parameters<Store["list"]>[0]): ReturnType<Store["list"]> {
    return this.#single((core) => list(core, request));
  }

  counts(): ReturnType<Store["counts"]> {
    return this.#single(counts);
  }

  workers(): ReturnType<Store["workers"]> {
    return this.#single(workers);
  }

  async cancel({ ids, reason }: Parameters<Store["cancel"]>[0]): ReturnType<Store["cancel"]> {
    return ids.length === 0 ? [] : this.#transact((core) => cancel(core, ids, reason));
  }

  async retry({ ids }: Parameters<Store["retry"]>[0]): Promise<readonly boolean[]> {
    return ids.length === 0 ? [] : this.#transact((core) => retry(core, ids));
  }

  async remove({ ids }: Parameters<Store["remove"]>[0]): Promise<readonly boolean[]> {
    if (ids.length === 0) return [];
    return this.#transact(async (core) => {
      const removed = await remove(core, ids);
      await settleParts(core);
      await forget(
        core,
        ids.filter((_, index) => removed[index]),
      );
      return removed;
    });
  }

  async purge({ statuses, queue, task, olderThanMs = 0 }: Parameters<Store["purge"]>[0]): Promise<number> {
    if (statuses.length === 0) return 0;
    let purged = 0;
    for (let last = purgedAtOnce; last === purgedAtOnce; purged += last)
      last = await this.#transact((core) => purge(core, { statuses, queue, task, olderThanMs }));
    return purged;
  }

  async pause({ queue }: Parameters<Store["pause"]>[0]): Promise<void> {
    await this.#single((core) =>
      core.rows(`INSERT INTO ${core.tables.own}.paused (queue) VALUES ($1) ON CONFLICT DO NOTHING`, queue),
    );
  }

  async resume({ queue }: Parameters<Store["resume"]>[0]): Promise<void> {
    await this.#single((core) => core.rows(`DELETE FROM ${core.tables.own}.paused WHERE queue = $1`, queue));
    this.#opened?.changes.tell([]);
  }

  putSchedule(request: Parameters<Store["putSchedule"]>[0]): ReturnType<Store["putSchedule"]> {
    return this.#single((core) => putSchedule(core, request));
  }

  removeSchedule({ name }: Parameters<Store["removeSchedule"]>[0]): Promise<boolean> {
    return this.#single((core) => removeSchedule(core, name));
  }

  schedules(): ReturnType<Store["schedules"]> {
    return this.#single(schedules);
  }

  pauseSchedule({ name, isPaused }: Parameters<Store["pauseSchedule"]>[0]): Promise<boolean> {
    return this.#single((core) => pauseSchedule(core, name, isPaused));
  }

  async tick({ schedule, ticks }: Parameters<Store["tick"]>[0]): Promise<readonly boolean[]> {
    const inserts = ticks.map(({ at, job }) => ({ at, job: toInsert(job) }));
    await this.#createQueues(inserts.map(({ job }) => job));
    return this.#transact((core) => tick(core, schedule, inserts));
  }
}

async function both(one: Promise<unknown>, two: Promise<unknown>): Promise<void> {
  await Promise.all([one, two]);
}
