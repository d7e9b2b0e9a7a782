import type { HonoRequest } from "hono";
import { after } from "next/server.js";
import type { AddedTask } from "../../background/added-task.ts";
import { PendingJob } from "../../background/pending-job.ts";
import type { Dependency } from "../../dependencies/dependency.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { AdapterHost } from "../core/adapter-host.ts";
import { FetchExchange } from "../core/fetch-exchange.ts";
import { toHonoRequest } from "../core/node-request.ts";
import { isRedirect } from "./is-redirect.ts";

/** What Next gives a route handler beside the request. */
export interface RouteContext {
  readonly params?: Promise<unknown>;
}

/**
 * A request of Next. Its end is what `after` says: the response has been sent, or the client has gone, which Next may notice
 * while the handler still works.
 */
export class NextExchange extends FetchExchange {
  readonly #context: RouteContext | undefined;
  #params: unknown;
  readonly #handled = Promise.withResolvers<void>();

  constructor(host: AdapterHost, request: Request, context?: RouteContext) {
    super(host, request, {});
    this.#context = context;
    after(() => this.#closed());
  }

  /** Next waits for it at shutdown. */
  async #closed(): Promise<void> {
    await this.#handled.promise;
    this.end(this.request.signal.aborted);
    if (this.isUsed) await this.tasks.settled;
  }

  protected override endLater(): void {}

  /** The handler has ended, whatever came of it. */
  handled(): void {
    this.#handled.resolve();
  }

  override async resolve<T>(dependency: Dependency<T>): Promise<T> {
    this.#params = await this.#context?.params;
    return super.resolve(dependency);
  }

  override toHonoRequest(): HonoRequest {
    return toHonoRequest(this.request, { params: this.#params });
  }

  /** `redirect()` of Next throws what is no failure. */
  override async answer(handle: () => Response | Promise<Response>): Promise<Response> {
    let redirect: unknown;
    try {
      const answer = await super.answer(async () => {
        try {
          return await handle();
        } catch (error) {
          if (!isRedirect(error)) throw error;
          redirect = error;
          return new Response();
        }
      });
      if (redirect !== undefined && answer.ok) throw redirect;
      return answer;
    } finally {
      this.handled();
    }
  }

  /**
   * What a server action returns, when its jobs are stored.
   *
   * @throws what it has thrown, or what could not be done before its response leaves
   */
  async act<R>(action: () => R): Promise<Awaited<R>> {
    try {
      const result = await action();
      await this.#finishAction();
      return result;
    } catch (error) {
      if (isRedirect(error)) await this.#finishAction();
      const cause = isRedirect(error) ? error : await this.failWith(error);
      await this.finish();
      throw cause;
    } finally {
      this.leave();
      this.handled();
    }
  }

  async #finishAction(): Promise<void> {
    const failure = await this.finish();
    if (failure) throw failure.error;
  }
}

/** The tasks of a request that nobody holds back: of a page, or of a handler that is not wrapped. */
export class LooseExchange extends NextExchange {
  #isOut = false;

  override end(clientHasGone: boolean): void {
    this.#isOut = true;
    super.end(clientHasGone);
  }

  override added(added: AddedTask | PendingJob): void {
    if (added instanceof PendingJob && !this.#isOut) {
      this.list.tasks.splice(this.list.tasks.indexOf(added), 1);
      throw new AfterwordError(
        "response_not_held",
        `backgroundTasks() takes plain functions here, but got the named task "${added.name}": nobody holds this response back until it is stored. Wrap the handler in withBackgroundTasks(), the action in actionWithBackgroundTasks(), or await task.enqueue(…).`,
      );
    }
    super.added(added);
  }
}
