import type { HonoRequest } from "hono";
import { HonoRequest as WebHonoRequest } from "hono/request";
import { isAnswerable } from "../../app/error-handlers.ts";
import type { AddedTask } from "../../background/added-task.ts";
import type { PendingJob } from "../../background/pending-job.ts";
import { RequestView, type TaskRequest } from "../../background/task-request.ts";
import { areRequestsClosed } from "../../internal/platform.ts";
import { watchBody } from "../../responses/watch-body.ts";
import type { AdapterHost } from "./adapter-host.ts";
import { HostedExchange } from "./hosted-exchange.ts";

/** What a host offers beside the request. */
export interface FetchHost {
  /** Keeps the process alive until a promise has settled. */
  readonly waitUntil?: (promise: Promise<unknown>) => void;
  /** Deno's: resolves when the whole response was sent, rejects when that failed. */
  readonly completed?: Promise<unknown> | undefined;
}

/**
 * A request of a host that shows no socket. The end of its response is what the host says, else the end of its body. Whoever
 * reads that learns of the end first, hence the turn of the event loop in between.
 */
export class FetchExchange extends HostedExchange {
  protected readonly request: Request;
  readonly #fetchHost: FetchHost;
  #signal: AbortSignal | undefined = undefined;
  #hasAny = false;
  #isOut = false;
  /** Whether the client was there until the end. Some hosts abort the signals of requests that went well, too. */
  #isDelivered = false;
  #taskRequest: TaskRequest | undefined = undefined;
  #honoRequest: HonoRequest | undefined;

  /** @param honoRequest - Hono's own view of the request, where Hono is the framework */
  constructor(host: AdapterHost, request: Request, fetchHost: FetchHost, honoRequest?: HonoRequest) {
    super(host);
    this.request = request;
    this.#fetchHost = fetchHost;
    this.#honoRequest = honoRequest;
  }

  get taskRequest(): TaskRequest {
    return (this.#taskRequest ??= new RequestView(this.request, this, this.request.headers.get("x-request-id")));
  }

  toHonoRequest(): HonoRequest {
    return (this.#honoRequest ??= new WebHonoRequest(this.request, new URL(this.request.url).pathname));
  }

  protected get isUnderWay(): boolean {
    return this.#isOut;
  }

  /** The end of the body tells the rest. Deno's signals know nothing of what was before they were asked for. */
  protected watch(): void {
    this.#signal = this.request.signal;
  }

  protected override watchClient(): void {
    if (this.#isDelivered) return;
    const signal = (this.#signal ??= this.request.signal);
    if (signal.aborted) this.clientHasGone();
    else signal.addEventListener("abort", () => !this.#isDelivered && this.clientHasGone(), { once: true });
  }

  protected holdResponse(): void {
    this.#hasAny = true;
  }

  override added(added: AddedTask | PendingJob): void {
    super.added(added);
    // The response is out of our hands, and nothing had been added by then: its end cannot be seen.
    if (this.#isOut && !this.#hasAny) this.endLater(false);
    this.#hasAny = true;
  }

  /**
   * A handler's response, when all is done that must be done before it leaves. Errors that say by themselves what they are
   * answered with are answered.
   *
   * @throws what else the handler has thrown, or what a dependency has put in its place
   */
  async answer(handle: () => Response | Promise<Response>): Promise<Response> {
    try {
      return await this.seal(await handle());
    } catch (error) {
      const cause = await this.failWith(error);
      await this.finish();
      if (isAnswerable(cause)) return this.#send(await this.refuse(cause));
      this.abandon();
      throw cause;
    }
  }

  /**
   * The response to send.
   *
   * @throws what went wrong before it left. {@link abandon} must follow, or another response
   */
  seal(response: Response): Response | Promise<Response> {
    const completed = this.complete(response);
    return completed instanceof Promise ? completed.then((response) => this.#send(response)) : this.#send(completed);
  }

  /** The host answers, and shows nobody its response: the tasks start. */
  abandon(): void {
    if (this.#letGo()) this.#endDelivered();
  }

  /** Nobody has let go of the body; whether somebody is there, only the signal knows. */
  #endDelivered(): void {
    const { aborted } = this.#signal ?? this.request.signal;
    this.#isDelivered = !aborted;
    this.endLater(aborted);
  }

  /** What tasks may want to know of the request is read while it can be. */
  #keepRequest(): TaskRequest {
    return this.taskRequest;
  }

  /** @returns whether the end of the response matters */
  #letGo(): boolean {
    this.leave();
    this.#isOut = true;
    if (!this.#hasAny) return false;
    this.#fetchHost.waitUntil?.(this.tasks.settled);
    if (areRequestsClosed) this.#keepRequest();
    return true;
  }

  #send(response: Response): Response {
    if (!this.#letGo()) return response;
    const watched =
      this.request.method === "HEAD"
        ? undefined
        : watchBody(response, {
            completed: () => this.#endDelivered(),
            canceled: () => this.endLater(true),
            failed: (error: unknown) => {
              this.failBecause(`the body of its response failed: ${String(error)}`);
              this.reportStream(error);
              this.endLater(false);
              return false;
            },
          });
    if (watched === undefined) this.#endDelivered();
    return watched ?? response;
  }

  /** The end of the response, as far as it can be seen. */
  protected endLater(clientHasGone: boolean): void {
    const { completed } = this.#fetchHost;
    if (completed === undefined) setImmediate(() => this.end(clientHasGone));
    else
      void completed.then(
        () => this.end(clientHasGone),
        () => this.end(true),
      );
  }
}
