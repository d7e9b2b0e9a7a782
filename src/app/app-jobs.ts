import type { Background } from "../background/background.ts";
import type { LostTask } from "../background/close-report.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { assertTasksSupported } from "../tasks/abilities.ts";
import type { Broker } from "../tasks/broker.ts";
import { Client } from "../tasks/client.ts";
import { removeClient } from "../tasks/current-client.ts";
import { allTasks } from "../tasks/registry.ts";
import type { Schedule } from "../tasks/schedule.ts";
import { Scheduler } from "../worker/scheduler.ts";
import { queuesOfTasks, Worker, type WorkerReport } from "../worker/worker.ts";
import type { WorkerSettings } from "../worker/worker-options.ts";
import type { AppOptions } from "./app-options.ts";
import type { Overrides } from "./overrides.ts";

/** So often a closing app looks whether the jobs of its memory have ended. */
const checkMs = 20;

/** What an app decides about its jobs when it is opened. */
export interface AppJobsRules {
  /** Where they are stored, if no option says so. */
  readonly defaultBroker: () => Broker;
  /** Whether `enqueue` may use this app's broker. */
  readonly storesJobs: () => boolean;
}

/** The named tasks of an app: where they are stored, and, where it runs them itself, its worker and its schedules. */
export class AppJobs {
  readonly #options: AppOptions;
  readonly #background: Background;
  readonly #overrides: Overrides;
  readonly #rules: AppJobsRules;
  readonly schedules: Schedule[] = [];
  #broker: Broker | undefined;
  #client: Client | undefined;
  #worker: Worker | undefined;
  #scheduler: Scheduler | undefined;
  /** Those that the worker serves. */
  #queues: readonly string[] = [];
  #hasWarned = false;

  constructor(options: AppOptions, background: Background, overrides: Overrides, rules: AppJobsRules) {
    this.#rules = rules;
    this.#options = options;
    this.#background = background;
    this.#overrides = overrides;
    this.#broker = options.broker;
  }

  get broker(): Broker {
    return (this.#broker ??= this.#rules.defaultBroker());
  }

  /** Only while the app is open. */
  get client(): Client {
    return this.#client!;
  }

  /** @throws {DeclarationError} when there is one of its name */
  addSchedule(schedule: Schedule): void {
    if (this.schedules.some(({ name }) => name === schedule.name))
      throw new DeclarationError(
        `The app has a schedule "${schedule.name}" already. Its name is what processes agree by, so give this one another.`,
      );
    void this.#scheduler?.add(schedule);
    this.schedules.push(schedule);
  }

  /** Opens the broker. */
  async open(): Promise<void> {
    const { broker } = this;
    const storesJobs = this.#rules.storesJobs();
    if (storesJobs) assertTasksSupported(broker, allTasks());
    for (const schedule of this.schedules) schedule.assertSupportedBy(broker);
    const client = new Client({ broker });
    if (!storesJobs) removeClient(client);
    try {
      await client.open();
    } catch (error) {
      await client.close();
      throw error;
    }
    client.overrides = this.#overrides;
    this.#client = client;
    this.#background.jobStore = client;
  }

  /** Starts to run jobs, if this process does. */
  async start(settings: WorkerSettings | false | undefined): Promise<void> {
    const { broker } = this;
    const { worker = broker.isEmbedded ? {} : false } = this.#options;
    const chosen = settings === undefined ? worker : settings && { ...worker, ...settings };
    if (chosen === false) return;
    const { config } = this.#background;
    this.#queues = chosen.queues ?? queuesOfTasks();
    this.#worker = new Worker(
      {
        ...chosen,
        broker,
        drainTimeout: config.drainTimeoutMs,
        onError: (error, report) =>
          this.#background.report(error, { ...report, args: "", requestId: report.requestId }),
      },
      this.client,
    );
    await this.#worker.start();
    this.#scheduler = new Scheduler({
      broker,
      schedules: this.schedules,
      onError: (error) =>
        this.#background.report(error, {
          kind: "broker",
          id: undefined,
          name: broker.name,
          args: "",
          requestId: undefined,
        }),
    });
    await this.#scheduler.start();
  }

  get slots(): number {
    return this.#worker?.slots ?? 0;
  }

  /** Whether jobs are run in this process. */
  get hasWorker(): boolean {
    return this.#worker !== undefined;
  }

  /** The app is about to close: streams of jobs' states end. */
  announceClose(): void {
    this.#client?.announceClose();
  }

  /** Waits for the jobs that run here, until the deadline; on a broker that does not outlive the process, for all that may run. */
  async drain(deadlineMs: number): Promise<WorkerReport> {
    await this.#scheduler?.close();
    this.#scheduler = undefined;
    const worker = this.#worker;
    if (worker === undefined) return { finished: 0, released: 0 };
    if (!this.broker.isDurable) {
      while (performance.now() < deadlineMs && (await this.#hasWork()))
        await new Promise((resolve) => setTimeout(resolve, checkMs));
    }
    const report = await worker.close(deadlineMs);
    this.#worker = undefined;
    return report;
  }

  async #hasWork(): Promise<boolean> {
    if (this.#background.active.size > 0) return true;
    const counts = await this.broker.counts();
    return counts.some(
      ({ queue, queued, running, isPaused }) =>
        running > 0 || (queued > 0 && !isPaused && this.#queues.includes(queue)),
    );
  }

  /** Closes the broker. @returns the jobs that are lost with it */
  async close(_deadlineMs: number): Promise<LostTask[]> {
    await this.#background.stored();
    this.#background.jobStore = undefined;
    await this.#scheduler?.close();
    await this.#worker?.close(0);
    this.#scheduler = undefined;
    this.#worker = undefined;
    const client = this.#client;
    if (client === undefined) return [];
    this.#client = undefined;
    const lost = this.broker.isDurable || !this.#rules.storesJobs() ? [] : await this.#giveUp();
    await client.close();
    return lost;
  }

  async #giveUp(): Promise<LostTask[]> {
    const { jobs } = await this.broker.list({
      filter: { statuses: ["scheduled", "queued", "running"] },
      limit: 10_000,
    });
    await this.broker.cancel({
      ids: jobs.map(({ id }) => id),
      reason: "the app shut down, and its jobs were in memory",
    });
    return jobs.toReversed().map(({ id, task, attempt, meta }) => ({
      id,
      name: task,
      requestId: meta.requestId,
      wasRunning: attempt > 0,
    }));
  }

  /** Somebody is told of a job, and cannot ask for it. */
  warnOfMissingRoutes(): void {
    // Where nobody can be asked of a job, routes would not help.
    if (this.#hasWarned || !this.broker.supports.has("results")) return;
    this.#hasWarned = true;
    this.#background.logTo.advise(
      "AFTERWORD_NO_TASK_ROUTES",
      "accepted(job) was answered without a Location, because the app has no route for the status of jobs. Add one: app.include(taskRoutes()).",
    );
  }
}
