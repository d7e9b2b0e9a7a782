import { App } from "../app/app.ts";
import { brokerFromEnvironment } from "../brokers/from-url.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import type { Broker } from "../tasks/broker.ts";
import { StoreError } from "../tasks/store-error.ts";
import { actionRoutes } from "./action-routes.ts";
import type { Dashboard } from "./dashboard.ts";
import { eventRoutes } from "./event-routes.ts";
import { guard, safeHeaders } from "./guard.ts";
import { JobViews } from "./job-view.ts";
import { jobRoutes } from "./job-routes.ts";
import { LocalTasks } from "./local-tasks.ts";
import type { DashboardConfig } from "./options.ts";
import { overviewRoutes } from "./overview-routes.ts";
import { pageRoutes, redirectToFolder } from "./page-routes.ts";
import { Sampler } from "./sampler.ts";
import { scheduleRoutes } from "./schedule-routes.ts";

/** The dashboard, as an app to mount or to serve. */
export class DashboardApp extends App {
  readonly #config: DashboardConfig;
  #dashboard: Dashboard | undefined;
  #closing = new AbortController();

  constructor(config: DashboardConfig) {
    super({
      title: "Afterword dashboard",
      openapi: false,
      worker: false,
      dependencies: config.auth === undefined ? [] : [config.auth],
      ...(config.broker !== undefined && { broker: config.broker }),
      lifespan: (app) => (app as DashboardApp).#life(),
    });
    this.#config = config;
    this.use(safeHeaders);
    this.use(redirectToFolder);
    this.use(guard(config));
    // What the broker has to say is for people to read.
    this.onError(StoreError, tell);
    this.onError(AfterwordError, tell);
    const dashboard = (): Dashboard => this.#dashboard!;
    this.include(pageRoutes());
    this.include(overviewRoutes(dashboard));
    this.include(eventRoutes(dashboard));
    this.include(jobRoutes(dashboard));
    this.include(scheduleRoutes(dashboard));
    this.include(actionRoutes(dashboard));
  }

  override announceClose(): void {
    this.#closing.abort();
    super.announceClose();
  }

  protected override defaultBroker(): Broker {
    if (this.parent !== undefined) return this.parent.broker;
    if (process.env.AFTERWORD_BROKER) return brokerFromEnvironment();
    throw new AfterwordError(
      "no_broker",
      'dashboard() shows the jobs of the app that mounts it, and none does. Say whose jobs it shows: dashboard({ broker: sqlite("tasks.db") }), or set AFTERWORD_BROKER.',
    );
  }

  protected override storesJobs(): boolean {
    return false;
  }

  async *#life(): AsyncGenerator<void> {
    const config = this.#config;
    const { broker, parent } = this;
    const sampler = new Sampler(broker);
    const localTasks = parent && new LocalTasks(parent.background);
    const stopListening = localTasks?.listen();
    this.#closing = new AbortController();
    this.#dashboard = {
      config,
      broker,
      sampler,
      views: new JobViews(config.mask),
      localTasks,
      schedules: parent?.schedules ?? [],
      openedAt: Date.now(),
      closing: this.#closing.signal,
    };
    sampler.start();
    yield;
    this.#closing.abort();
    stopListening?.();
    await sampler.stop();
  }
}

/** An error of the broker, with its own words: 503 when it is away, 501 when it cannot do what was asked for. */
function tell(error: AfterwordError): Response {
  const status = error.code === "unsupported" ? 501 : error instanceof StoreError ? 503 : 500;
  return Response.json({ detail: error.message }, { status });
}
