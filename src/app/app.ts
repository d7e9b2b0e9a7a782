import type { MiddlewareHandler } from "hono";
import { Background } from "../background/background.ts";
import type { CloseReport } from "../background/close-report.ts";
import { drain } from "../background/drain.ts";
import { addThreadResource } from "../background/task-thread.ts";
import type { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { Log } from "../internal/log.ts";
import type { Broker } from "../tasks/broker.ts";
import type { OpenApiDocument } from "../openapi/document.ts";
import { assertAbility } from "../tasks/abilities.ts";
import { runWithClient } from "../tasks/current-client.ts";
import { brokerFromEnvironment } from "../brokers/from-url.ts";
import { Schedule, type ScheduleOptions } from "../tasks/schedule.ts";
import type { Task } from "../tasks/task.ts";
import type { WorkerSettings } from "../worker/worker-options.ts";
import { checkAppOptions, type AppOptions } from "./app-options.ts";
import { buildFetch, type FetchHandler, type HonoParts, type MountTarget } from "./build-hono.ts";
import { CompiledRoute, pathPattern } from "./compiled-route.ts";
import { AppDocument } from "./app-document.ts";
import { ErrorHandlers, type ErrorClass, type ErrorHandler } from "./error-handlers.ts";
import type { HandleHost } from "./handle.ts";
import { Lifespan } from "./lifespan.ts";
import { Overrides } from "./overrides.ts";
import type { RouteDefinition } from "./route-definition.ts";
import { RouteTable } from "./route-table.ts";
import { AppJobs } from "./app-jobs.ts";
import { isStatusHandler } from "./task-routes.ts";
import { serve, type ListenOptions, type RunningServer } from "./serve.ts";

/**
 * A web application: its routes, its middleware, and the background tasks that its requests leave behind.
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks, path } from "afterword";
 *
 * const app = new App({ title: "Notifications" });
 * const notify = async (email: string) => console.log(`notification for ${email}`);
 *
 * app.post("/send-notification/:email", { email: path(), tasks: BackgroundTasks }, ({ email, tasks }) => {
 *   tasks.addTask(notify, email);
 *   return { message: "Notification sent in the background" };
 * });
 *
 * export default app; // or: await app.listen({ port: 8000 })
 * ```
 */
export class App extends RouteTable {
  readonly title: string;
  readonly version: string;
  readonly description: string | undefined;
  /** The background tasks of this app: an emitter of `started`, `succeeded`, `failed`, `canceled`, `dropped` and `lost`. */
  readonly background: Background;
  /** Dependencies that others stand in for, in tests. */
  readonly overrides: Overrides = new Overrides();

  /** Its jobs: where they are stored, the worker that runs them here, the schedules. */
  readonly #jobs: AppJobs;
  /** The app that mounts this one. */
  #parent: App | undefined;
  /** The path under which it does. */
  #mountedAt: () => string = () => "";
  readonly #document: AppDocument;
  /** The path of the route that shows a job's status. */
  #statusPath: string | undefined;

  readonly #dependencies: readonly Dependency<unknown>[];
  readonly #lifespan: Lifespan<App>;
  readonly #errorHandlers = new ErrorHandlers();
  readonly #maxBodyBytes: number;
  readonly #compiled = new Map<string, CompiledRoute>();
  readonly #middleware: HonoParts["middleware"][number][] = [];
  readonly #mounts: HonoParts["mounts"][number][] = [];
  readonly #mountedApps: App[] = [];
  /** Made from the routes and middleware when it is needed; forgotten when they change. */
  #serving: FetchHandler | undefined;
  #opening: Promise<void> | undefined;
  #isOpen = false;

  /** @throws {DeclarationError} for an unknown option or a wrong value */
  constructor(options: AppOptions = {}) {
    super();
    checkAppOptions(options);
    this.title = options.title ?? "Afterword";
    this.version = options.version ?? "0.1.0";
    this.description = options.description;
    this.#document = new AppDocument(options, this.title, this.version);
    this.background = new Background(options.background, new Log(options.logger));
    this.#jobs = new AppJobs(options, this.background, this.overrides, {
      defaultBroker: () => this.defaultBroker(),
      storesJobs: () => this.storesJobs(),
    });
    this.#dependencies = options.dependencies ?? [];
    this.#lifespan = new Lifespan<App>(options.lifespan, this);
    addThreadResource(this.#lifespan);
    this.#maxBodyBytes = options.maxBodyBytes ?? 1_048_576;
  }

  /**
   * Adds Hono middleware around all routes, or around those under a path such as `"/api/*"`, whether they were defined
   * before or after. The first added is the outermost.
   *
   * @example
   * ```ts
   * import { App } from "afterword";
   * import { cors } from "hono/cors";
   *
   * new App().use(cors());
   * ```
   */
  use(middleware: MiddlewareHandler): this;
  use(path: string, middleware: MiddlewareHandler): this;
  use(...args: [MiddlewareHandler] | [string, MiddlewareHandler]): this {
    const handler = args.at(-1);
    const path = args.length === 1 ? "*" : args[0];
    if (typeof handler !== "function" || typeof path !== "string")
      throw new DeclarationError(
        `app.use() expects (middleware) or (path, middleware), but got (${args.map((arg) => formatValue(arg)).join(", ")}).`,
      );
    this.#middleware.push({ path, handler });
    this.#serving = undefined;
    return this;
  }

  /**
   * Hands everything under a prefix to another app or fetch handler, which sees the path without the prefix. An `App` is
   * opened and closed together with this one.
   */
  mount(prefix: string, target: App | MountTarget | { readonly fetch: MountTarget }): this {
    const fetch = (typeof target === "function" ? target : target?.fetch) as FetchHandler;
    if (typeof prefix !== "string" || !prefix.startsWith("/") || typeof fetch !== "function")
      throw new DeclarationError(
        `app.mount() expects a prefix such as "/admin" and an App or a fetch handler, but got (${formatValue(prefix)}, ${formatValue(target)}).`,
      );
    if (target === this) throw new DeclarationError("An app cannot be mounted in itself.");
    this.#mounts.push({
      prefix: prefix.replace(/\/+$/, ""),
      fetch: (request, env, context) => fetch.call(target, request, env, context),
    });
    if (target instanceof App) {
      this.#mountedApps.push(target);
      target.#parent = this;
      target.#mountedAt = () => this.#mountedAt() + prefix.replace(/\/+$/, "");
    }
    this.#serving = undefined;
    return this;
  }

  /**
   * Answers errors of a class and its subclasses; the nearest class wins. What `handler` returns is rendered as a handler's
   * return value is, with status 500 unless it is a `Response`.
   */
  onError<E>(errorClass: ErrorClass<E>, handler: ErrorHandler<E>): this {
    this.#errorHandlers.set(errorClass, handler);
    return this;
  }

  /**
   * The OpenAPI 3.1 document of the routes that are defined by now, from their declarations alone. It is served at
   * `openapiPath`, where it also says where the app is; `afterword openapi app.ts` prints it.
   *
   * @example
   * ```ts
   * import { App, path } from "afterword";
   *
   * const app = new App({ title: "Shop", version: "2.1.0" });
   * app.get("/items/:id", { summary: "One item" }, { id: path() }, ({ id }) => ({ id }));
   * console.log(Object.keys(app.openapi().paths)); // [ "/items/{id}" ]
   * ```
   */
  openapi(): OpenApiDocument {
    return this.#document.of(() => [...this.#compiled.values()].map((route) => route.described));
  }

  /** The path of the OpenAPI document in this app; `undefined` if it has none. */
  get openapiPath(): string | undefined {
    return this.#document.paths.openapi;
  }

  /** The path of Swagger UI in this app; `undefined` if it has none. */
  get docsPath(): string | undefined {
    return this.#document.paths.docs;
  }

  /** The path of Redoc in this app; `undefined` if it has none. */
  get redocPath(): string | undefined {
    return this.#document.paths.redoc;
  }

  /** Whether this process runs the jobs of the app's broker. */
  get runsJobs(): boolean {
    return this.#jobs.hasWorker;
  }

  /** How many jobs this process runs at the same time; 0 while it runs none. */
  get slots(): number {
    return this.#jobs.slots;
  }

  /** Where the named tasks of this app are stored. */
  get broker(): Broker {
    return this.#jobs.broker;
  }

  /** The app that mounts this one; `undefined` if none does. */
  get parent(): App | undefined {
    return this.#parent;
  }

  /** The schedules of this app, in the order of their definition. */
  get schedules(): readonly Schedule[] {
    return this.#jobs.schedules;
  }

  /**
   * Runs a task at the times of a cron expression, in every process that runs the jobs of this app: they agree, and store
   * one job for each tick.
   *
   * @param name - what the schedule is known by in the broker
   * @param cron - minute, hour, day of month, month, day of week: `"0 3 * * *"`
   * @param args - the arguments of each job
   * @throws {DeclarationError} when the name is taken, or anything of it is wrong
   *
   * @example
   * ```ts
   * import { App, sqlite, task } from "afterword";
   *
   * const report = task("report", async (kind: string) => console.log(`the ${kind} report`));
   * const app = new App({ broker: sqlite("tasks.db") });
   * app.schedule("nightly-report", "0 3 * * *", report, ["daily"], { timezone: "Europe/Berlin" });
   * ```
   */
  schedule<A extends unknown[]>(
    name: string,
    cron: string,
    task: Task<A, unknown>,
    args: NoInfer<A>,
    options: ScheduleOptions = {},
  ): this {
    this.#jobs.addSchedule(new Schedule(name, cron, task, args, options));
    return this;
  }

  /**
   * Answers a web-standard request. On hosts other than `listen`, the app opens with the first request; where there is no
   * socket to watch, background tasks start when the body of the response has been read to its end, and are handed to
   * `context.waitUntil`.
   */
  readonly fetch = (request: Request, env?: unknown, context?: unknown): Response | Promise<Response> => {
    if (!this.#isOpen) return this.open().then(() => this.fetch(request, env, context));
    return runWithClient(this.#jobs.client, this.#serving ?? this.#build(), request, env, context);
  };

  /**
   * Serves the app over HTTP, after its lifespan has started.
   *
   * @returns the running server: `{ url, port, close() }`, also for `await using`
   * @throws {AfterwordError} with code `address_in_use` or `cannot_listen`
   */
  async listen(options: ListenOptions = {}): Promise<RunningServer> {
    return serve(this, options);
  }

  /** Whether it, or an app that is mounted in it, has WebSockets. */
  get hasWebSockets(): boolean {
    return (
      [...this.#compiled.values()].some(({ definition }) => definition.socket) ||
      this.#mountedApps.some((app) => app.hasWebSockets)
    );
  }

  /** Whether the lifespan has started, and has not ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Starts the lifespan and opens the broker, once. `listen` and the first request do it by themselves.
   *
   * @param worker - goes before the app's option of that name, setting by setting; `false` for no worker
   * @throws {AfterwordError} when the broker cannot be opened, or lacks what a task, a schedule or `taskRoutes()` asks for (code
   *   `unsupported`)
   */
  open(worker?: WorkerSettings | false): Promise<void> {
    return (this.#opening ??= this.#open(worker));
  }

  async #open(worker: WorkerSettings | false | undefined): Promise<void> {
    try {
      if (this.#statusPath !== undefined) assertAbility(this.broker, `taskRoutes() (${this.#statusPath})`, "results");
      await this.#jobs.open();
      await this.#lifespan.open();
      await this.#jobs.start(worker);
      for (const mounted of this.#mountedApps) await mounted.open();
      this.background.isClosed = false;
      this.#isOpen = true;
    } catch (error) {
      await this.#jobs.close(0);
      await this.#lifespan.close().catch(() => {});
      this.#opening = undefined;
      throw error;
    }
  }

  /** To be called before the responses are waited for: event streams of `taskRoutes` end, which would hold up the closing. */
  announceClose(): void {
    this.#jobs.announceClose();
    for (const mounted of this.#mountedApps) mounted.announceClose();
  }

  /**
   * Waits for the background tasks and for the jobs that run here, up to `background.drainTimeout`; then aborts them, gives
   * jobs back to their broker and gives up the rest, and ends the lifespan. A server is closed by its own `close()`, which calls this.
   *
   * @param deadlineMs - by `performance.now()`
   */
  async close(deadlineMs: number = performance.now() + this.background.config.drainTimeoutMs): Promise<CloseReport> {
    const startedMs = performance.now();
    const endedBefore = this.background.endedCount;
    const errors: unknown[] = [];
    const [lostTasks, jobs] = await Promise.all([drain(this.background, deadlineMs), this.#jobs.drain(deadlineMs)]);
    this.background.isClosed = true;
    const mounted = [];
    for (const app of this.#mountedApps) mounted.push(await app.close(deadlineMs));
    await this.#opening?.catch(() => {});
    const lost = [...lostTasks, ...(await this.#jobs.close(deadlineMs))];
    await this.#lifespan.close().catch((error: unknown) => errors.push(error));
    this.#isOpen = false;
    this.#opening = undefined;
    const all = [...lost, ...mounted.flatMap((report) => report.lost)];
    const allErrors = [...errors, ...mounted.flatMap((report) => report.errors)];
    return {
      ok: all.length === 0 && allErrors.length === 0,
      finished:
        this.background.endedCount -
        endedBefore -
        lostTasks.length +
        jobs.finished +
        mounted.reduce((sum, report) => sum + report.finished, 0),
      lost: all,
      released: jobs.released + mounted.reduce((sum, report) => sum + report.released, 0),
      connectionsCut: 0,
      errors: allErrors,
      durationMs: performance.now() - startedMs,
    };
  }

  /** Where its jobs are stored, if no option says so. */
  protected defaultBroker(): Broker {
    return brokerFromEnvironment();
  }

  /** Whether it stores jobs and runs them: `enqueue` may use its broker. One that only shows jobs does not. */
  protected storesJobs(): boolean {
    return true;
  }

  protected override outward(route: RouteDefinition): RouteDefinition {
    return {
      ...route,
      options: { ...route.options, dependencies: [...this.#dependencies, ...(route.options.dependencies ?? [])] },
    };
  }

  protected override check(route: RouteDefinition): void {
    const key = `${route.method} ${pathPattern(route.path)}`;
    const known = this.#compiled.get(key);
    if (known)
      throw new DeclarationError(
        `${route.method} ${route.path} is defined already, as ${known.label}. A request can have only one handler.`,
      );
    const compiled = new CompiledRoute(route, this.#dependencies, this.overrides);
    this.#document.add(route);
    if (isStatusHandler(route.handler)) this.#statusPath = route.path;
    this.#compiled.set(key, compiled);
    this.#serving = undefined;
  }

  /** The pages of the documentation, except where the app has a route of its own in that place. */
  #pages(): CompiledRoute[] {
    return this.#document
      .pages(() => this.openapi())
      .filter(({ method, path }) => !this.#compiled.has(`${method} ${pathPattern(path)}`))
      .map((route) => new CompiledRoute(route, [], this.overrides));
  }

  #build(): FetchHandler {
    const host: HandleHost = {
      background: this.background,
      locateJob: (id) => this.#locateJob(id),
      limits: { maxBodyBytes: this.#maxBodyBytes },
      errorHandlers: this.#errorHandlers,
      hasMiddleware: this.#middleware.length > 0 || this.#mounts.length > 0,
      reportUnhandled: (error, request, status) =>
        this.background.logTo.error(
          `${request.method} ${new URL(request.url).pathname} was answered with ${status}, because of`,
          { err: error, method: request.method, path: new URL(request.url).pathname, status },
        ),
    };
    return (this.#serving ??= buildFetch(
      {
        middleware: this.#middleware,
        mounts: this.#mounts,
        routes: [...this.#pages(), ...this.#compiled.values()],
      },
      host,
    ));
  }

  #locateJob(id: string): string | undefined {
    if (this.#statusPath !== undefined)
      return this.#mountedAt() + this.#statusPath.replace(":id", encodeURIComponent(id));
    this.#jobs.warnOfMissingRoutes();
    return undefined;
  }
}
