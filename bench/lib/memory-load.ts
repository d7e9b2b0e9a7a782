import type { Server } from "node:http";
import { Duplex } from "node:stream";
import { BenchError } from "./question.ts";

const request = Buffer.from("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");

/** The other end of a connection that is only memory: it asks, and as soon as it is answered it asks again. */
class MemoryConnection extends Duplex {
  readonly #next: () => boolean;
  readonly #body: Buffer;

  /** @param next - whether to ask once more */
  constructor(body: Buffer, next: () => boolean) {
    super();
    this.#body = body;
    this.#next = next;
  }

  ask(): void {
    if (this.#next()) this.push(request);
    else this.push(null);
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.#answered(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    done();
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: () => void): void {
    this.#answered(Buffer.concat(chunks.map(({ chunk }) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk))));
    done();
  }

  #answered(part: Buffer): void {
    if (part.indexOf("HTTP/1.1 ") === 0 && part.indexOf("HTTP/1.1 200 ") !== 0)
      return void this.destroy(new BenchError(`It answered ${JSON.stringify(part.toString())}.`));
    // As a client does it: not before the server has come to its end.
    if (part.indexOf(this.#body) >= 0) setImmediate(() => this.ask());
  }
}

/**
 * Sends so many requests to a server of this process, each of the connections one after the other. All of HTTP that Node does
 * itself is there; the kernel is not, whose time varies by more than what a few lines of JavaScript cost.
 *
 * @param body - what the answer holds
 * @throws {BenchError} for an answer that is not of status 200
 */
export async function loadInMemory(server: Server, requests: number, connections: number, body: string): Promise<void> {
  let left = requests;
  const expected = Buffer.from(body);
  await Promise.all(
    Array.from({ length: connections }, () => {
      const connection = new MemoryConnection(expected, () => left-- > 0);
      const ended = Promise.withResolvers<void>();
      connection.once("error", ended.reject).once("close", () => ended.resolve());
      server.emit("connection", connection);
      connection.ask();
      return ended.promise;
    }),
  );
}
