import type { ServerResponse } from "node:http";
import type { Context, HonoRequest } from "hono";
import type { Background } from "../background/background.ts";
import type { BackgroundTask } from "../background/background-task.ts";
import { RequestTasks, type AddedListener, type TaskMode, type TaskOrigin } from "../background/request-tasks.ts";
import { RequestView, type TaskRequest } from "../background/task-request.ts";
import { deferRequestScope, type OpenGenerator } from "../dependencies/generators.ts";
import type { Problem } from "../dependencies/problem.ts";
import type { Limits, RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { areRequestsClosed } from "../internal/platform.ts";
import { isInMemory } from "../responses/in-memory.ts";
import { applyReply, Reply } from "../responses/reply.ts";
import { discardBody, watchBody } from "../responses/watch-body.ts";
import type { Upgrade, upgradeKey } from "../websocket/upgrade.ts";
import { describeThrown } from "./describe-thrown.ts";

/** What a test client puts into the environment of a request. */
export interface TestHooks extends AddedListener {
  readonly mode: TaskMode;
  /** Takes the place of the report of an error that is answered as 500. */
  readonly onUnhandled: ((error: unknown) => void) | undefined;
}

/** The key under which a test client's hooks stand in the environment. */
export const testHooks: unique symbol = Symbol("afterword.testHooks");

/** What Hono hands to a handler as `c.env`, as far as it is read here. */
export interface ExchangeEnv {
  readonly outgoing?: ServerResponse;
  readonly [upgradeKey]?: Upgrade;
  readonly [testHooks]?: TestHooks;
}

/** A Hono context with our environment. */
export type ExchangeContext = Context<{ Bindings: ExchangeEnv; Variables: { [exchangeKey]?: Exchange } }>;

/** The environment of a request; a host may give none, whatever Hono's types say. */
export function envOf(context: ExchangeContext): ExchangeEnv | undefined {
  return context.env as ExchangeEnv | undefined;
}

/** The Hono variable under which middleware finds the exchange of its request. */
export const exchangeKey = "afterword.exchange";

/** What exchanges need of their app. */
export interface ExchangeHost {
  /** Where the status of a job can be asked for; `undefined` if the app has no `taskRoutes`. */
  readonly locateJob: (id: string) => string | undefined;
  readonly background: Background;
  readonly limits: Limits;
}

/** One request and its response, from the first declaration that is solved until the last clean-up. */
export class Exchange implements RequestScope, TaskOrigin {
  readonly req: HonoRequest;
  readonly values: unknown[] = [];
  readonly sources: readonly BoundSource[];
  problems: Problem[] | undefined = undefined;
  opened: OpenGenerator[] | undefined = undefined;
  readonly #host: ExchangeHost;
  readonly #context: ExchangeContext;
  #tasks: RequestTasks | undefined = undefined;
  #memo: Map<object, unknown> | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #isWatching = false;
  #isAnswered = false;
  #hasClosed = false;
  #isHeld = false;
  #clientHasGone = false;
  #requestView: TaskRequest | undefined = undefined;
  /** Whether the client was there until the end. Some hosts abort the signals of requests that went well, too. */
  #isDelivered = false;

  constructor(context: ExchangeContext, host: ExchangeHost, sources: readonly BoundSource[]) {
    this.req = context.req;
    this.#context = context;
    this.#host = host;
    this.sources = sources;
  }

  get limits(): Limits {
    return this.#host.limits;
  }

  get locateJob(): (id: string) => string | undefined {
    return this.#host.locateJob;
  }

  get memo(): Map<object, unknown> {
    return (this.#memo ??= new Map());
  }

  get tasks(): RequestTasks {
    if (this.#tasks === undefined) {
      const hooks = envOf(this.#context)?.[testHooks];
      this.#tasks = new RequestTasks(this.#host.background, this, hooks?.mode, hooks);
    }
    return this.#tasks;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const outgoing = this.#outgoing;
      if (this.#clientHasGone) this.#abort();
      else if (outgoing) this.#watchOutgoing(outgoing);
      else this.#watchSignal(this.req.raw.signal);
    }
    return this.#controller.signal;
  }

  /** The request failed: what was added for its success is dropped. */
  fail(reason: string): void {
    this.#tasks?.fail(reason);
  }

  /** Adds what a response carries to the tasks of the request. */
  attach(background: BackgroundTask | undefined, when?: "success" | "always"): void {
    if (background) this.tasks.attach(background, when);
  }

  /**
   * Stores the jobs of the request: to be awaited before the response leaves. `undefined` when there are none.
   *
   * @throws {AfterwordError} when they were not stored, or it is not known whether they were
   */
  storeJobs(): Promise<void> | undefined {
    return this.#tasks?.storeJobs();
  }

  /** Puts the headers and cookies that were set on a `Reply` onto the response. */
  dress(response: Response): Response {
    const reply = this.#memo?.get(Reply) as Reply | undefined;
    return reply ? applyReply(reply, response) : response;
  }

  /** To be called where the handler was: its AsyncLocalStorage is the one that the tasks will see. */
  prepare(): void {
    this.#tasks?.prepare();
  }

  /** A WebSocket takes the place of the response: its end is told by {@link release}. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The connection has closed. */
  clientHasGone(): void {
    this.#abort();
  }

  /** The end of a WebSocket: the clean-up that is left and the tasks start. */
  release(): void {
    if (this.opened) deferRequestScope(this);
    if (this.#tasks === undefined) return;
    this.#waitUntil(this.#tasks.settled);
    this.#tasks.end();
  }

  /** The status that the handler has set on its `Reply`. */
  get replyStatus(): number | undefined {
    return (this.#memo?.get(Reply) as Reply | undefined)?.status;
  }

  /**
   * The response is decided: from now on its end starts the tasks.
   *
   * @returns the response to send, which is another one where its end can only be seen in its body
   */
  seal(response: Response): Response {
    if (this.#isHeld) {
      this.#tasks?.leave();
      return response;
    }
    if (this.opened) deferRequestScope(this);
    const isHead = this.req.raw.method === "HEAD";
    if (isHead) discardBody(response);
    const tasks = this.#tasks;
    const outgoing = this.#outgoing;
    if (tasks) {
      this.#isAnswered = true;
      tasks.prepare();
      tasks.leave();
      if (outgoing === undefined) return this.#sealBody(response, tasks);
      if (this.#hasClosed || outgoing.destroyed) setImmediate(() => this.#end(true));
      else this.#watchOutgoing(outgoing);
    }
    return outgoing === undefined || isHead || isInMemory(response)
      ? response
      : this.#watchProducer(response, outgoing);
  }

  get #outgoing(): ServerResponse | undefined {
    return envOf(this.#context)?.outgoing;
  }

  /** `close` comes once, after the last byte was handed to the socket or when the socket is gone; `finish` may never come. */
  #watchOutgoing(outgoing: ServerResponse): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    // `on`, since it comes once by itself and `once` would wrap the listener.
    outgoing.on("close", () => {
      this.#hasClosed = true;
      // Node 22 calls a response finished whose socket went away with half of it.
      const hasGone = !outgoing.writableFinished || outgoing.req.socket.destroyed;
      if (this.#isAnswered) this.#end(hasGone);
      else if (hasGone) this.#abort();
    });
  }

  #watchSignal(signal: AbortSignal): void {
    if (this.#isDelivered) return;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", () => !this.#isDelivered && this.#abort(), { once: true });
  }

  /**
   * A producer that throws fails the request. The connection is cut, since its status has been sent; left to the server,
   * the client might be sent the error's message.
   */
  #watchProducer(response: Response, outgoing: ServerResponse): Response {
    return (
      watchBody(response, {
        completed() {},
        canceled() {},
        failed: (error: unknown) => {
          this.#producerFailed(error);
          outgoing.destroy();
          return true;
        },
      }) ?? response
    );
  }

  /**
   * Without a socket the end of the body is the end of the response. Whoever reads it learns of the end first: hence the
   * turn of the event loop in between.
   */
  #sealBody(response: Response, tasks: RequestTasks): Response {
    this.#waitUntil(tasks.settled);
    if (areRequestsClosed) this.#keepRequest();
    const endLater = (clientHasGone: boolean): void => void setImmediate(() => this.#end(clientHasGone));
    const endDelivered = (): void => {
      // Nobody has let go of the body; whether somebody is there, only the signal knows.
      const { aborted } = this.req.raw.signal;
      this.#isDelivered = !aborted;
      endLater(aborted);
    };
    const watched =
      this.req.raw.method === "HEAD"
        ? undefined
        : watchBody(response, {
            completed: () => endDelivered(),
            canceled: () => endLater(true),
            failed: (error: unknown) => {
              this.#producerFailed(error);
              endLater(false);
              return false;
            },
          });
    if (watched === undefined) endDelivered();
    return watched ?? response;
  }

  #producerFailed(error: unknown): void {
    this.#tasks?.fail(`the body of its response failed: ${describeThrown(error)}`);
    this.#host.background.report(error, {
      kind: "stream",
      id: undefined,
      name: `${this.req.method} ${this.req.path}`,
      args: "",
      requestId: this.taskRequest.id,
    });
  }

  #end(clientHasGone: boolean): void {
    if (clientHasGone) this.#abort();
    this.#tasks?.end();
  }

  #abort(): void {
    this.#clientHasGone = true;
    this.#controller?.abort(new DOMException("The client closed the connection.", "AbortError"));
  }

  #waitUntil(promise: Promise<void>): void {
    try {
      this.#context.executionCtx.waitUntil(promise);
    } catch {
      // The host gave no execution context.
    }
  }

  /** What tasks may want to know of the request is read while it can be. */
  #keepRequest(): TaskRequest {
    return this.taskRequest;
  }

  get taskRequest(): TaskRequest {
    if (this.#requestView === undefined) {
      const { raw } = this.req;
      const outgoing = this.#outgoing;
      // Node has it at hand; the web's headers would be made for it.
      const givenId = outgoing ? outgoing.req.headers["x-request-id"] : raw.headers.get("x-request-id");
      this.#requestView = new RequestView(raw, this, givenId);
    }
    return this.#requestView;
  }
}
