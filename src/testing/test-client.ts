import type { App } from "../app/app.ts";
import { testHooks, type TestHooks } from "../app/exchange.ts";
import type { AddedTask } from "../background/added-task.ts";
import { PendingJob } from "../background/pending-job.ts";
import type { CloseReport } from "../background/close-report.ts";
import type { Outcome } from "../background/outcome.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import type { BodyInput } from "../internal/platform.ts";
import { formatValue } from "../internal/format-value.ts";
import { upgradeKey, type Upgrade } from "../websocket/upgrade.ts";
import { connectTest, WebSocketRefusedError, type TestSocket } from "./test-socket.ts";
import type { AddedJob } from "../tasks/added-job.ts";
import { collectName } from "../tasks/collect.ts";
import { findTask } from "../tasks/registry.ts";

/** How a test client treats an app. */
export interface TestClientOptions {
  /**
   * What happens to background tasks at the end of a request.
   *
   * - `"run"`: they run, and the call resolves when they have ended. Named tasks are stored; where the app itself runs them,
   *   the call waits for their end as well, unless they wait for a time to come or are tasks of another program.
   * - `"collect"`: they wait in `client.tasks`, to be looked at and run by hand.
   * - `"skip"`: they are dropped.
   *
   * @defaultValue `"run"`
   */
  readonly tasks?: "run" | "collect" | "skip";
  /** Whether an error that would be answered as 500 is thrown from the call instead. @defaultValue false */
  readonly raiseServerErrors?: boolean;
  /** Sent with each request; those of the request itself win. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What paths are relative to. @defaultValue `"http://testserver"` */
  readonly baseUrl?: string;
}

/** What a test request sends. At most one of `json`, `form` and `body`. */
export interface TestRequestOptions {
  /** Sent as JSON, with its content type. */
  readonly json?: unknown;
  /** Sent as a form: urlencoded for a plain record, multipart for a `FormData`. */
  readonly form?:
    | FormData
    | Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
  /** Sent as it is. */
  readonly body?: BodyInput;
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the query of the path. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
  /** Aborts the request, as a client that goes away. */
  readonly signal?: AbortSignal;
}

/** What opens a test WebSocket. */
export interface TestSocketOptions {
  /** The subprotocols that the client offers. @defaultValue none */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the query of the path. */
  readonly query?: TestRequestOptions["query"] & {};
}

/** A background task that a request has added. */
export interface TestTask {
  readonly id: string;
  readonly name: string;
  readonly fn: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  /** How it ended; `undefined` while it waits or runs. */
  readonly outcome: Outcome | undefined;
  /** Calls the function with the arguments; for `tasks: "collect"`. */
  run(): Promise<void>;
}

/**
 * Calls an app without a network, and resolves when the background tasks of the request have ended.
 *
 * `await using` ends the app's lifespan when the test leaves; the first request starts it.
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks } from "afterword";
 * import { TestClient } from "afterword/testing";
 *
 * const app = new App();
 * app.post("/welcome", { tasks: BackgroundTasks }, ({ tasks }) => {
 *   tasks.addTask(async function sendMail() {});
 *   return { ok: true };
 * });
 *
 * await using client = new TestClient(app);
 * const response = await client.post("/welcome");
 * console.log(response.status, client.tasks[0]?.name); // 200 sendMail
 * ```
 */
export class TestClient implements AsyncDisposable {
  /** What the requests of this client have added, in order. A plain array that may be cleared. */
  readonly tasks: TestTask[] = [];
  readonly #app: App;
  readonly #options: TestClientOptions;

  /** @throws {DeclarationError} for an unknown option or mode */
  constructor(app: App, options: TestClientOptions = {}) {
    const { tasks = "run", raiseServerErrors: _raise, headers: _headers, baseUrl: _base, ...rest } = options;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw new DeclarationError(
        `new TestClient() knows the options tasks, raiseServerErrors, headers and baseUrl, but got ${JSON.stringify(unknown)}.`,
      );
    if (!["run", "collect", "skip"].includes(tasks))
      throw new DeclarationError(
        `new TestClient(): tasks must be "run", "collect" or "skip", but got ${formatValue(tasks)}.`,
      );
    this.#app = app;
    this.#options = options;
  }

  get(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("GET", path, options);
  }
  post(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("POST", path, options);
  }
  put(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("PUT", path, options);
  }
  patch(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("PATCH", path, options);
  }
  delete(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("DELETE", path, options);
  }
  head(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("HEAD", path, options);
  }
  options(path: string, options?: TestRequestOptions): Promise<Response> {
    return this.request("OPTIONS", path, options);
  }

  /** Sends a request of any method to a path, or to an absolute URL. Its response's body has been read, and its background tasks have ended. */
  async request(method: string, path: string, options: TestRequestOptions = {}): Promise<Response> {
    const { hooks, context, settle, unhandled } = this.#observe();
    const response = await this.#app.fetch(this.#toRequest(method, path, options), { [testHooks]: hooks }, context);
    // The tasks start at the end of the body, also when it fails.
    const body = await response.arrayBuffer().then(
      (bytes) => ({ bytes }),
      (error: unknown) => ({ error }),
    );
    await settle();
    if (unhandled.length > 0) throw unhandled[0];
    if ("error" in body) throw body.error;
    return new Response(body.bytes.byteLength === 0 ? null : body.bytes, response);
  }

  /**
   * Opens a WebSocket. What it gives is the client's side: the same methods as the server's. It is closed by `close()`, or at
   * the end of an `await using`; when its `closed` resolves, the background tasks have ended.
   *
   * @throws {WebSocketRefusedError} when the app answers the request in another way
   *
   * @example
   * ```ts
   * import { App, WebSocketConnection } from "afterword";
   * import { TestClient } from "afterword/testing";
   *
   * const app = new App();
   * app.websocket("/echo", { socket: WebSocketConnection }, async ({ socket }) => {
   *   for await (const message of socket) await socket.send(message);
   * });
   *
   * await using client = new TestClient(app);
   * await using socket = await client.websocket("/echo");
   * await socket.send("hello");
   * console.log(await socket.receive()); // hello
   * ```
   */
  async websocket(path: string, { protocols = [], headers, query }: TestSocketOptions = {}): Promise<TestSocket> {
    const { hooks, context, settle, unhandled } = this.#observe();
    const request = this.#toRequest("GET", path, {
      ...(query && { query }),
      headers: {
        ...headers,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        ...(protocols.length > 0 && { "sec-websocket-protocol": protocols.join(", ") }),
      },
    });
    const upgrade: Upgrade = { accepted: undefined };
    const response = await this.#app.fetch(request, { [testHooks]: hooks, [upgradeKey]: upgrade }, context);
    if (upgrade.accepted !== undefined && response.status < 400)
      return connectTest(upgrade.accepted, settle, unhandled);
    upgrade.accepted?.failed();
    const body = await response.text();
    await settle();
    if (unhandled.length > 0) throw unhandled[0];
    throw new WebSocketRefusedError(new Response(body === "" ? null : body, response));
  }

  /** Ends the lifespan, after the tasks that still run. */
  async close(): Promise<CloseReport> {
    return this.#app.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What tells of the tasks and the errors of one request. */
  #observe(): Observation {
    const settled: Promise<unknown>[] = [];
    const unhandled: unknown[] = [];
    const jobs: AddedJob[] = [];
    const hooks: TestHooks = {
      mode: this.#options.tasks ?? "run",
      added: (task: AddedTask | PendingJob) => {
        this.tasks.push(task);
        if (task instanceof PendingJob) jobs.push(task as AddedJob);
      },
      onUnhandled: this.#options.raiseServerErrors ? (error) => unhandled.push(error) : undefined,
    };
    return {
      hooks,
      unhandled,
      context: { waitUntil: (promise) => settled.push(promise), passThroughOnException() {} },
      settle: async () => {
        await Promise.all(settled);
        if (hooks.mode === "run" && this.#app.runsJobs && this.#app.broker.supports.has("results"))
          await Promise.all(jobs.filter(isOfThisProgram).map((job) => untilItRests(job)));
      },
    };
  }

  #toRequest(method: string, path: string, options: TestRequestOptions): Request {
    const base = this.#options.baseUrl ?? "http://testserver";
    // Not new URL(path, base), which would take "//x" for another host.
    const url = new URL(/^https?:\/\//i.test(path) ? path : base.replace(/\/+$/, "") + path);
    for (const [name, value] of entriesOf(options.query ?? {})) url.searchParams.append(name, value);
    const headers = new Headers({ ...this.#options.headers, ...options.headers });
    const body = toBody(options, headers);
    return new Request(url, {
      method,
      headers,
      ...(body !== undefined && { body, duplex: "half" }),
      ...(options.signal && { signal: options.signal }),
    } as RequestInit);
  }
}

interface Observation {
  readonly hooks: TestHooks;
  readonly context: { waitUntil(promise: Promise<unknown>): void; passThroughOnException(): void };
  /** The errors that nobody handled, if they are to be thrown. */
  readonly unhandled: unknown[];
  /** Resolves when the tasks have ended. */
  readonly settle: () => Promise<void>;
}

/** Whether all of it can run here. */
function isOfThisProgram({ jobs }: AddedJob): boolean {
  return jobs.every(({ task }) => task === collectName || findTask(task) !== undefined);
}

/** So often a job is asked whether it has ended. */
const checkMs = 5;

/** Waits until a job has ended, or waits for a time to come: a delay, another attempt. */
async function untilItRests(job: AddedJob): Promise<void> {
  for (;;) {
    const status = await job.status();
    if (status === "scheduled") return;
    if (status !== "queued" && status !== "running") {
      await job.done;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}

function toBody({ json, form, body }: TestRequestOptions, headers: Headers): BodyInput | undefined {
  if ([json, form, body].filter((value) => value !== undefined).length > 1)
    throw new DeclarationError("A test request takes one of json, form and body, but got several.");
  if (json !== undefined) {
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return JSON.stringify(json);
  }
  if (form instanceof FormData) return form;
  if (form !== undefined) return new URLSearchParams(entriesOf(form));
  return body;
}

function entriesOf(
  record: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>,
): [string, string][] {
  return Object.entries(record).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)]),
  );
}
