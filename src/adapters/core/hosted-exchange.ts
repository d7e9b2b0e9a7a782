import type { HonoRequest } from "hono";
import { reasonOf } from "../../app/handle.ts";
import type { AddedTask } from "../../background/added-task.ts";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { PendingJob } from "../../background/pending-job.ts";
import { RequestTasks, type AddedListener, type TaskOrigin } from "../../background/request-tasks.ts";
import type { TaskRequest } from "../../background/task-request.ts";
import {
  closeFunctionScope,
  deferRequestScope,
  throwIntoGenerators,
  type Failure,
  type OpenGenerator,
} from "../../dependencies/generators.ts";
import type { Dependency } from "../../dependencies/dependency.ts";
import type { Problem } from "../../dependencies/problem.ts";
import type { Resolver } from "../../dependencies/resolve.ts";
import { carriesBackground, takeBackground } from "../../responses/attached-background.ts";
import { isDeferred } from "../../responses/deferred.ts";
import { discardBody } from "../../responses/watch-body.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { AdapterHost } from "./adapter-host.ts";
import { solveFor } from "./solve-for.ts";

/**
 * One request of another framework and its response, as far as background tasks are concerned. Nothing is watched or
 * held back before the request has tasks.
 *
 * Life: {@link finish} before the response leaves, {@link leave} when it does, {@link end} when it has left.
 */
export abstract class HostedExchange implements TaskOrigin, AddedListener, Resolver {
  readonly host: AdapterHost;
  /** What is wrong with the input that was declared. */
  problems: Problem[] | undefined = undefined;
  /** The dependencies that are open. */
  opened: OpenGenerator[] | undefined = undefined;
  #memo: Map<object, unknown> | undefined = undefined;
  #tasks: RequestTasks | undefined = undefined;
  #failure: string | undefined = undefined;
  #isUsed = false;
  #hasJobs = false;
  #hasLeft = false;
  #hasEnded = false;
  #controller: AbortController | undefined = undefined;
  #clientHasGone = false;
  #finishing: Promise<Failure | undefined> | undefined = undefined;
  /** What is done before the response leaves. Tasks wait for it, whatever the client does. */
  #working: Promise<unknown> | undefined = undefined;

  constructor(host: AdapterHost) {
    this.host = host;
  }

  /** The request as tasks see it. */
  abstract readonly taskRequest: TaskRequest;

  protected abstract readonly request: Request;

  /** The request as declared sources read it, with the path parameters of now. */
  abstract toHonoRequest(): HonoRequest;

  /** Something is to be done after the response: from now on its end matters. */
  protected abstract watch(): void;

  /** Somebody wants to be told when the client goes away. */
  protected watchClient(): void {}

  /** Something was added while the response was not out of our hands yet. */
  protected abstract holdResponse(): void;

  /** Whether the head of the response has left. */
  protected abstract readonly isUnderWay: boolean;

  /** What the dependencies of this request share. */
  get memo(): Map<object, unknown> {
    return (this.#memo ??= new Map());
  }

  get tasks(): RequestTasks {
    if (this.#tasks === undefined) {
      this.#tasks = new RequestTasks(this.host.background, this, "run", this);
      if (this.#failure !== undefined) this.#tasks.fail(this.#failure);
    }
    return this.#tasks;
  }

  /** The one list of the request. */
  get list(): BackgroundTasks {
    return this.tasks.list;
  }

  /** Whether there is anything to do after the response. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  #use(): void {
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.watch();
  }

  /** Called for each task and job that is added, before anything is done with it. */
  added(added: AddedTask | PendingJob): void {
    if (this.#hasEnded) return;
    this.#tasks!.followContext();
    this.#use();
    if (!(added instanceof PendingJob) || this.#hasLeft) return;
    this.#hasJobs = true;
    if (this.isUnderWay) this.leave();
    else this.holdResponse();
  }

  /** Aborted when the client goes away before it has its whole response. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.watchClient();
      if (this.#clientHasGone) this.clientHasGone();
    }
    return this.#controller.signal;
  }

  protected clientHasGone(): void {
    this.#clientHasGone = true;
    this.#controller?.abort(new DOMException("The client closed the connection.", "AbortError"));
  }

  resolve<T>(dependency: Dependency<T>): Promise<T> {
    this.#use();
    if (!this.isUnderWay) this.holdResponse();
    return solveFor(this, dependency);
  }

  /**
   * The response to send for one that a handler has returned, when all is done that must be done before it leaves: what it
   * carries is added, and one that only Afterword can finish is finished. Most leave as they are, at once.
   *
   * @throws what went wrong
   */
  complete(response: Response): Response | Promise<Response> {
    if (carriesBackground(response) || isDeferred(response)) return this.#complete(response);
    const finishing = this.finish();
    if (finishing !== undefined) return this.#complete(response);
    this.leave();
    return response;
  }

  async #complete(response: Response): Promise<Response> {
    try {
      // That of a failed request was made by an error handler, which knew what it did.
      const background = takeBackground(response);
      if (background) this.tasks.attach(background, this.#failure === undefined ? "success" : "always");
      const early = isDeferred(response) && !response.isLate ? await response.render(this.request) : response;
      const failure = await this.finish();
      if (failure) throw failure.error;
      this.leave();
      return isDeferred(early) ? await early.render(this.request) : early;
    } catch (error) {
      discardBody(response);
      throw error;
    }
  }

  /**
   * The request failed: what was added for its success is dropped, and the open dependencies see the error.
   *
   * @returns resolves with the error to answer with, which a dependency may have put in the place of this one; `undefined`
   *   if none was open
   */
  fail(error: unknown): Promise<Failure> | undefined {
    this.failBecause(reasonOf(error));
    return this.opened && this.#work(throwIntoGenerators(this, error));
  }

  /** The same. @returns resolves with the error to answer with */
  async failWith(error: unknown): Promise<unknown> {
    const failure = await this.fail(error);
    return failure ? failure.error : error;
  }

  failBecause(reason: string): void {
    this.#failure ??= reason;
    this.#tasks?.fail(reason);
  }

  /**
   * To be awaited before the response leaves: closes the dependencies of scope `"function"`, then stores the jobs. What is
   * added after that is stored at once.
   *
   * @returns resolves with what went wrong: it is what must be answered with
   */
  finish(): Promise<Failure | undefined> | undefined {
    if (this.#hasLeft || (!this.#hasJobs && this.opened === undefined)) return undefined;
    return (this.#finishing ??= this.#work(this.#finish()));
  }

  #work<T>(promise: Promise<T>): Promise<T> {
    this.#working = promise;
    return promise;
  }

  async #finish(): Promise<Failure | undefined> {
    try {
      await this.#close();
      await this.#store();
      this.leave();
      return undefined;
    } catch (error) {
      await this.fail(error);
      // Those of `when: "always"` and `"error"`.
      await this.#store().catch((second: unknown) => this.reportStream(second));
      this.leave();
      return { error };
    }
  }

  /** Where only the status told of a failure, nobody has shown an error to the dependencies: they must not commit. */
  async #close(): Promise<void> {
    if (this.#failure === undefined) await closeFunctionScope(this);
    else if (this.opened) await throwIntoGenerators(this, new Error(this.#failure));
  }

  async #store(): Promise<void> {
    if (!this.#hasJobs) return;
    await this.host.open();
    // Others may be added meanwhile.
    for (let storing = this.#tasks!.storeJobs(); storing; storing = this.#tasks!.storeJobs()) await storing;
  }

  /** The response leaves: what is added from now on is stored at once. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    if (this.opened) deferRequestScope(this);
    this.#tasks?.leave();
  }

  /** The response has left, or nobody waits for it any more: the tasks start. */
  end(clientHasGone: boolean): void {
    if (clientHasGone) this.clientHasGone();
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#hasLeft) return this.#start();
    const isAnswered = this.#working !== undefined;
    const working = this.#working ?? this.finish();
    if (working === undefined) this.#start();
    else void this.#startAfter(working, isAnswered);
  }

  #start(): void {
    this.leave();
    this.tasks.end();
  }

  /** @param isAnswered - whether somebody else waits for that as well, and will say what went wrong */
  async #startAfter(working: Promise<unknown>, isAnswered: boolean): Promise<void> {
    await working;
    const failure = await this.finish();
    if (failure && !isAnswered) this.reportStream(failure.error);
    this.#start();
  }

  /** What is answered in place of a response that must not leave. */
  refuse(error: unknown): Promise<Response> {
    return this.host.refuse(error, this.request, (cause) =>
      cause instanceof StoreError ? this.host.reportBroker(cause, this.taskRequest.id) : this.#report(cause, "cleanup"),
    );
  }

  /** The response, or what was to be done for it, failed when its head had left already. */
  protected reportStream(error: unknown): void {
    this.#report(error, "stream");
  }

  #report(error: unknown, kind: "stream" | "cleanup"): void {
    const { id, method, url } = this.taskRequest;
    const name = `${method} ${new URL(url).pathname}`;
    this.host.background.report(error, { kind, id: undefined, name, args: "", requestId: id });
  }
}
