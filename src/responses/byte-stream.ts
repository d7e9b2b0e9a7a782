import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { ItemSource } from "./item-source.ts";

/** Nothing is produced before it is asked for. */
export const noReadAhead: QueuingStrategy<Uint8Array> = { highWaterMark: 0 };

/** The bytes of a source's items, one chunk for each. Its producer works only when a reader asks, and learns of its leaving. */
export function toByteStream(
  source: ItemSource,
  encode: (item: unknown) => Uint8Array<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isCanceled = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        let hasItem = false;
        try {
          const result = await source.next();
          if (isCanceled) return;
          if (result.done) return controller.close();
          hasItem = true;
          controller.enqueue(encode(result.value));
        } catch (error) {
          // What a producer throws when it was told to stop is nobody's failure.
          if (isCanceled) return;
          controller.error(toStreamError(error));
          // The producer is well and waits for the next call: it must not wait forever.
          if (hasItem) source.cancel(error).catch(() => {});
        }
      },
      cancel(reason) {
        isCanceled = true;
        return source.cancel(reason).then(() => {});
      },
    },
    noReadAhead as QueuingStrategy<Uint8Array<ArrayBuffer>>,
  );
}

/** \@hono/node-server leaves the connection open when a stream fails with something falsy: the client would wait forever. */
export function toStreamError(error: unknown): unknown {
  if (error) return error;
  return new AfterwordError(
    "stream_failed",
    `The producer of a streamed response threw ${formatValue(error)}. Throw an Error, which says what happened and where.`,
    { cause: error },
  );
}
