import { AfterwordError } from "../internal/afterword-error.ts";
import { noReadAhead, toStreamError } from "./byte-stream.ts";
import { copyResponse } from "./copy-response.ts";
import { discardStream } from "./readable-stream.ts";

/** Is told how a body ended: exactly one of the three is called, once. None may throw. */
export interface BodyWatcher {
  /** The last chunk was handed over. */
  completed(): void;
  /** The consumer went away before that. */
  canceled(): void;
  /**
   * The producer threw.
   *
   * @returns `true` if the connection is broken already: the stream is closed then, and nobody else is told of the error.
   *   With `false` the stream fails with it
   */
  failed(error: unknown): boolean;
}

/**
 * The same response, with a body that tells how it ended. Chunks pass one by one and untouched, each when it is asked for.
 *
 * @returns `undefined` when there is no body to watch: the watcher will not be called
 * @throws {AfterwordError} with code `body_used` when the body has been read, or is being read
 */
export function watchBody(response: Response, watcher: BodyWatcher): Response | undefined {
  const { body } = response;
  if (body === null) return undefined;
  if (body.locked || response.bodyUsed)
    throw new AfterwordError(
      "body_used",
      "A response was returned whose body has been read already. Return response.clone() made before reading, or a new Response with what was read.",
    );
  return copyResponse(response, watchStream(body, watcher));
}

/** Tells the producer of a response that will not be sent to clean up: closes its file, leaves its generator. */
export function discardBody(response: Response): void {
  const { body } = response;
  if (body !== null) discardStream(body);
}

function watchStream(body: ReadableStream<Uint8Array>, watcher: BodyWatcher): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let hasEnded = false;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) =>
        reader.read().then(
          ({ done, value }) => {
            // A canceled stream answers the read that was waiting with `done`.
            if (hasEnded) return;
            if (!done) return controller.enqueue(value);
            hasEnded = true;
            controller.close();
            watcher.completed();
          },
          (error: unknown) => {
            if (hasEnded) return;
            hasEnded = true;
            if (watcher.failed(error)) controller.close();
            else controller.error(toStreamError(error));
          },
        ),
      cancel(reason) {
        if (hasEnded) return undefined;
        hasEnded = true;
        watcher.canceled();
        return reader.cancel(reason);
      },
    },
    noReadAhead,
  );
}
