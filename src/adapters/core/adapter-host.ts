import { App } from "../../app/app.ts";
import { ErrorHandlers } from "../../app/error-handlers.ts";
import type { Overrides } from "../../app/overrides.ts";
import type { Background } from "../../background/background.ts";
import type { CloseReport } from "../../background/close-report.ts";
import type { Client } from "../../tasks/client.ts";
import { runWithClient } from "../../tasks/current-client.ts";
import { checkOptions, type BackgroundTasksOptions } from "./adapter-options.ts";

/** The background tasks of an app of another framework: what its `backgroundTasks(options)` returns has these members. */
export interface BackgroundTasksControl extends AsyncDisposable {
  /** An emitter of `started`, `succeeded`, `failed`, `canceled`, `dropped` and `lost`. */
  readonly background: Background;
  /** Dependencies that others stand in for, in tests. */
  readonly overrides: Overrides;
  /**
   * Opens the broker and starts the worker, if this process has one. The first request does it by itself; a program whose
   * jobs should go on before that calls it at start.
   *
   * @returns resolves with what it is called on
   * @throws {AfterwordError} when the broker cannot be opened, or lacks what a task asks for
   */
  open(): Promise<this>;
  /**
   * Waits for the background tasks and for the jobs that run here, up to `background.drainTimeout`; then aborts them, gives
   * jobs back to their broker and gives up the rest by name. To be called when the server takes no more requests. Calls
   * after the first give the same report.
   */
  close(): Promise<CloseReport>;
}

/** What all requests of one app of another framework share: an {@link App} without routes, which has tasks, broker and worker. */
export class AdapterHost implements BackgroundTasksControl {
  readonly #app: App;
  readonly #errors = new ErrorHandlers();
  readonly background: Background;
  readonly overrides: Overrides;
  #closing: Promise<CloseReport> | undefined = undefined;
  #isAway = false;

  /**
   * @param label - what was called, for errors
   * @throws {DeclarationError} for an unknown option or a wrong value
   */
  constructor(label: string, options: BackgroundTasksOptions = {}) {
    checkOptions(label, options);
    this.#app = new App({ ...options, openapi: false });
    this.background = this.#app.background;
    this.overrides = this.#app.overrides;
  }

  /**
   * To be awaited before a request is handled; `undefined` when there is nothing to wait for. Never rejects: a broker that is
   * away is told of once, and then concerns only those who need it. Each request tries to open it again.
   */
  ready(): Promise<void> | undefined {
    if (this.#app.isOpen || this.#closing !== undefined) return undefined;
    const wasAway = this.#isAway;
    const opening = this.#app.open().then(
      () => void (this.#isAway = false),
      (error: unknown) => this.#openFailed(error),
    );
    return wasAway ? undefined : opening;
  }

  #openFailed(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.reportBroker(error, undefined);
  }

  async open(): Promise<this> {
    if (this.#closing === undefined) await this.#app.open();
    return this;
  }

  /** Calls `fn` so that `enqueue` inside it stores where this app does. */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    const client = this.background.jobStore as Client | undefined;
    return client === undefined ? fn(...args) : runWithClient(client, fn, ...args);
  }

  /** What a client is told when something failed that must be done before its response leaves. */
  async refuse(error: unknown, request: Request, report: (cause: unknown) => void): Promise<Response> {
    return this.#errors.toResponse(error, request, report);
  }

  /** The broker could not do what it must. */
  reportBroker(error: unknown, requestId: string | undefined): void {
    const { name } = this.#app.broker;
    this.background.report(error, { kind: "broker", id: undefined, name, args: "", requestId });
  }

  close(): Promise<CloseReport> {
    return (this.#closing ??= this.#app.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Gives `value`, a middleware or handler, the members by which its user controls the tasks. */
export function withControl<T extends object>(value: T, host: AdapterHost): T & BackgroundTasksControl {
  const controlled: T & BackgroundTasksControl = Object.assign(value, {
    background: host.background,
    overrides: host.overrides,
    open: () => host.open().then(() => controlled),
    close: () => host.close(),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  });
  return controlled;
}
