import { errorMonitor } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { HonoRequest } from "hono";
import { RequestView, type TaskRequest } from "../../background/task-request.ts";
import type { AdapterHost } from "./adapter-host.ts";
import { holdResponse } from "./hold-response.ts";
import { HostedExchange } from "./hosted-exchange.ts";
import { NodeRequest, toHonoRequest, toWebRequest, type ParsedRequest } from "./node-request.ts";

/** What a framework on Node's server does by itself. */
export interface NodeFramework {
  /**
   * Whether it tells of every error of a handler. Where it does not, a response of status 500 or above is taken for one.
   */
  readonly tellsErrors: boolean;
  /** What it has made of the request. */
  parse(exchange: NodeExchange): ParsedRequest;
}

/**
 * A request on Node's own server, whatever framework is above it. Its end is the event `close` of the outgoing message, which
 * comes once, after the last byte was handed to the socket or when the client has gone; `finish` never comes after a hang-up.
 */
export class NodeExchange extends HostedExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** What the framework calls its request, for {@link NodeFramework.parse}. */
  readonly source: object;
  readonly #framework: NodeFramework;
  #isHeld = false;
  #taskRequest: TaskRequest | undefined = undefined;
  #webRequest: Request | undefined = undefined;

  constructor(
    host: AdapterHost,
    framework: NodeFramework,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    source: object = incoming,
  ) {
    super(host);
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.source = source;
    this.#framework = framework;
  }

  get taskRequest(): TaskRequest {
    const { incoming } = this;
    return (this.#taskRequest ??= new RequestView(new NodeRequest(incoming), this, incoming.headers["x-request-id"]));
  }

  protected get request(): Request {
    return (this.#webRequest ??= toWebRequest(this.incoming));
  }

  toHonoRequest(): HonoRequest {
    return toHonoRequest(this.request, this.#framework.parse(this));
  }

  protected get isUnderWay(): boolean {
    return this.outgoing.headersSent;
  }

  protected watch(): void {
    const { outgoing } = this;
    if (outgoing.destroyed) return void setImmediate(() => this.end(!outgoing.writableFinished));
    outgoing.on("close", () => this.#closed());
    // A stream that fails ends the response as a hang-up does. Its error is seen, and nobody's duty to handle it is taken away.
    outgoing.on("pipe", (source: Readable) => source.once(errorMonitor, (error) => this.#producerFailed(error)));
  }

  #closed(): void {
    const { outgoing } = this;
    if (outgoing.errored && !outgoing.writableFinished && !isHangUp(outgoing.errored))
      this.#producerFailed(outgoing.errored);
    if (outgoing.headersSent) this.#judge(outgoing.statusCode);
    // Node 22 calls a response finished whose socket went away with half of it.
    this.end(
      !outgoing.writableFinished || (this.incoming.socket as unknown) === null || this.incoming.socket.destroyed,
    );
  }

  #producerFailed(error: unknown): void {
    this.failBecause(`the body of its response failed: ${error instanceof Error ? error.message : String(error)}`);
  }

  #judge(status: number): void {
    if (!this.#framework.tellsErrors && status >= 500) this.failBecause(`its request was answered with ${status}`);
  }

  protected holdResponse(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    holdResponse(this.outgoing, { finish: (status) => this.#finishHeld(status), leave: () => this.leave() });
  }

  #finishHeld(status: number): Promise<Response | undefined> | undefined {
    this.#judge(status);
    return this.finish()?.then((failure) => failure && this.refuse(failure.error));
  }
}

/** Whether Node itself broke off the response, because its client had gone. */
function isHangUp(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return (
    code === "ECONNRESET" ||
    code === "EPIPE" ||
    code === "ERR_STREAM_PREMATURE_CLOSE" ||
    code === "ERR_STREAM_DESTROYED"
  );
}
