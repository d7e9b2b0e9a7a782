import type { ServerResponse } from "node:http";

/** What sends something. Each of them sends the head, if it has not left. */
const senders = ["writeHead", "flushHeaders", "write", "end"] as const;

type Sender = (...args: unknown[]) => unknown;
type Senders = { [Name in (typeof senders)[number]]: Sender };

interface HeldCall {
  readonly name: keyof Senders;
  readonly args: readonly unknown[];
}

/** What the response waits for. */
export interface HeldFor {
  /**
   * Called once, when the response is about to leave.
   *
   * @param status - of the response
   * @returns resolves with what to answer with in its place; `undefined` if there is nothing to wait for
   */
  finish(status: number): Promise<Response | undefined> | undefined;
  /** The head leaves now. */
  leave(): void;
}

/**
 * Holds a response back when it is about to leave. Whoever writes it notices nothing: `write` says that the buffer is full,
 * and what was written meanwhile follows in its order.
 */
export function holdResponse(outgoing: ServerResponse, held: HeldFor): void {
  const own = outgoing as unknown as Senders;
  const before = senders.map((name) => [name, Object.getOwnPropertyDescriptor(own, name), own[name]] as const);
  const calls: HeldCall[] = [];
  let isWaiting = false;

  const letGo = (): void => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(own, name, descriptor);
      else delete (own as Partial<Senders>)[name];
    }
    held.leave();
  };

  const replay = (): void => {
    letGo();
    let isFull = false;
    for (const { name, args } of calls) {
      // The client has gone: there is nobody to write to.
      if (outgoing.destroyed) return;
      const result = own[name](...args);
      if (name === "write") isFull = result === false;
    }
    if (!isFull && !outgoing.writableEnded && calls.some(({ name }) => name === "write")) outgoing.emit("drain");
  };

  const answerWith = async (answer: Response): Promise<void> => {
    const text = await answer.text();
    letGo();
    if (outgoing.destroyed || outgoing.headersSent) return;
    for (const name of outgoing.getHeaderNames()) if (describesContent(name)) outgoing.removeHeader(name);
    outgoing.statusCode = answer.status;
    outgoing.statusMessage = "";
    for (const [name, value] of answer.headers) outgoing.setHeader(name, value);
    outgoing.end(text);
  };

  for (const [name, , original] of before) {
    own[name] = (...args) => {
      if (!isWaiting) {
        const finishing = held.finish(name === "writeHead" ? Number(args[0]) : outgoing.statusCode);
        if (finishing === undefined) {
          letGo();
          return original.apply(outgoing, args);
        }
        isWaiting = true;
        finishing
          .then((answer) => (answer ? answerWith(answer) : replay()))
          .catch((error: Error) => outgoing.destroy(error));
      }
      calls.push({ name, args });
      return name === "write" ? false : outgoing;
    };
  }
}

/** Whether a header tells of the response that is not sent: those of CORS and the like hold for any answer. */
function describesContent(name: string): boolean {
  return (
    name.startsWith("content-") ||
    ["transfer-encoding", "etag", "last-modified", "cache-control", "expires", "location", "set-cookie"].includes(name)
  );
}
