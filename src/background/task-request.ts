import { areRequestsClosed } from "../internal/platform.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";

/** The request that added a task, as the task sees it: its body may be gone. */
export interface TaskRequest {
  /** The header `X-Request-Id` if it is sound, else a UUID version 7. */
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** Aborted when the client had gone before it had its whole response. */
  readonly signal: AbortSignal;
}

/**
 * A view of a request that reads what it is asked for. It is a class because of its accessors: V8 gives each object literal that has
 * an accessor a hidden class of its own, in the old generation, which kept whole requests until the next full collection.
 */
export class RequestView implements TaskRequest {
  readonly id: string;
  readonly method: string;
  readonly #request: Pick<TaskRequest, "url" | "headers">;
  readonly #exchange: Pick<TaskRequest, "signal">;

  /**
   * @param request - read later, unless the host closes its requests
   * @param exchange - knows of the client
   * @param givenId - the header `X-Request-Id`
   */
  constructor(
    request: Pick<TaskRequest, "method" | "url" | "headers">,
    exchange: Pick<TaskRequest, "signal">,
    givenId: unknown,
  ) {
    this.id = typeof givenId === "string" && /^[\w.:-]{1,128}$/.test(givenId) ? givenId : createUuidV7();
    this.method = request.method;
    this.#request = areRequestsClosed ? { url: request.url, headers: new Headers(request.headers) } : request;
    this.#exchange = exchange;
  }

  get url(): string {
    return this.#request.url;
  }

  get headers(): Headers {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}
