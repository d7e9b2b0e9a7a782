import type { IncomingMessage, ServerResponse } from "node:http";
import { catchError, from, isObservable, tap } from "rxjs";
import type { Dependency } from "../../dependencies/dependency.ts";
import type { Failure } from "../../dependencies/generators.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { isThenable } from "../../internal/thenable.ts";
import type { AdapterHost } from "../core/adapter-host.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";
import type { ParsedRequest } from "../core/node-request.ts";
import { Refusal, toNestError } from "./refusal.ts";

const nest: NodeFramework = { tellsErrors: true, parse: ({ source }) => source as ParsedRequest };

/** What Nest gives its handlers: the request of Express or of Fastify. */
export type Requested = object & { [resolverKey]?: NestExchange };

/** A request of Nest, on either engine: its response is watched and held back below both. */
export class NestExchange extends NodeExchange {
  #isWatched = false;
  /**
   * The status that a watched handler has left. What guards, pipes, interceptors, middleware and handlers that are not watched throw
   * goes to the exception filters alone: a request has failed if it is answered with another error than its handler had set.
   */
  #statusAtReturn: number | undefined = undefined;

  constructor(host: AdapterHost, incoming: IncomingMessage, outgoing: ServerResponse, source: object) {
    super(host, nest, incoming, outgoing, source);
  }

  /** What a guard resolves ends the request if it fails; a handler may make something else of it. */
  override async resolve<T>(dependency: Dependency<T>): Promise<T> {
    try {
      return await super.resolve(dependency);
    } catch (error) {
      const cause = await this.#toNestError(error);
      if (!this.#isWatched && cause instanceof Refusal) cause.announce(this.outgoing);
      throw cause;
    }
  }

  /**
   * Calls a handler, and sees what it throws.
   *
   * @returns what it returns; a promise that rejects, or an observable that fails, with what the exception filters are to see
   */
  watchHandler(handle: () => unknown): unknown {
    this.#isWatched = true;
    let result: unknown;
    try {
      result = handle();
    } catch (error) {
      return this.#refuseHandler(error);
    }
    if (!isThenable(result)) return this.#returned(result);
    return result.then(
      (value) => this.#returned(value),
      (error: unknown) => this.#refuseHandler(error),
    );
  }

  #returned(value: unknown): unknown {
    const note = (): void => void (this.#statusAtReturn = this.outgoing.statusCode);
    if (isObservable(value))
      return value.pipe(
        tap({ next: note, complete: note }),
        catchError((error: unknown) => from(this.#refuseHandler(error))),
      );
    note();
    return value;
  }

  /** Dependencies that are open see the error first, and may put another one in its place. */
  async #refuseHandler(error: unknown): Promise<never> {
    const cause = await this.#toNestError(await this.failWith(error));
    if (cause instanceof Refusal) cause.announce(this.outgoing);
    throw cause;
  }

  #toNestError(error: unknown): Promise<unknown> {
    return toNestError(error, (refused) => this.refuse(refused));
  }

  #judge(): void {
    const { statusCode } = this.outgoing;
    if (statusCode >= 400 && statusCode !== this.#statusAtReturn)
      this.failBecause(`its request was answered with ${statusCode}`);
  }

  override finish(): Promise<Failure | undefined> | undefined {
    this.#judge();
    return super.finish();
  }

  override end(clientHasGone: boolean): void {
    if (this.outgoing.headersSent) this.#judge();
    super.end(clientHasGone);
  }
}

/** @throws {AfterwordError} with code `no_exchange` for what is no request of an app with the module */
export function exchangeOf(request: unknown): NestExchange {
  const exchange = (request as Requested | undefined)?.[resolverKey];
  if (exchange !== undefined) return exchange;
  throw new AfterwordError(
    "no_exchange",
    `The BackgroundTasks of afterword/nest belong to an HTTP request, but got ${formatValue(request, 60)}. Import BackgroundTasksModule.forRoot() into the root module, and ask for them in HTTP handlers, guards, pipes and interceptors; messages of other transports store jobs with task.enqueue().`,
  );
}
