import { formatValue } from "../internal/format-value.ts";
import { isReadableStream } from "./readable-stream.ts";

/** Things that come one after the other: a generator or any other iterable, an async one, or a web stream. */
export type Items<T> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/** One way to read all kinds of {@link Items}. */
export interface ItemSource {
  /** The next item. Nothing is produced before it is called, nor ahead of it. */
  next(): PromiseLike<IteratorResult<unknown>> | IteratorResult<unknown>;
  /** Nobody wants the rest: lets the producer clean up. */
  cancel(reason: unknown): Promise<unknown>;
}

/** Makes items readable, and starts nothing. Throws a `TypeError` for what has no items, and for a stream that is being read. */
export function openSource(items: Items<unknown>): ItemSource {
  if (!hasItems(items))
    throw new TypeError(
      `Only an iterable, an async iterable or a ReadableStream can be streamed, but got ${formatValue(items)}.`,
    );
  if (isReadableStream(items)) {
    const reader = items.getReader();
    return { next: () => reader.read() as Promise<IteratorResult<unknown>>, cancel: (reason) => reader.cancel(reason) };
  }
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  // A Node stream that fails before it is read would end the process; the iterator throws the error later.
  if (isNodeStream(items)) items.on("error", () => {});
  return {
    next: () => iterator.next(),
    cancel: async () => {
      // Its iterator would wait for the next chunk before it closed the stream.
      if (isNodeStream(items)) items.destroy();
      await iterator.return?.();
    },
  };
}

function hasItems(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (isReadableStream(value) || Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

/** The part of a Node `Readable` that its iterator leaves undone. */
interface NodeStreamLike {
  on(event: "error", listener: () => void): unknown;
  destroy(): unknown;
}

/** Whether `value` is a readable stream of Node: one with `pipe`. */
export function isNodeStream(value: unknown): value is NodeStreamLike {
  if (typeof value !== "object" || value === null) return false;
  const { pipe, on, destroy } = value as { pipe?: unknown; on?: unknown; destroy?: unknown };
  return typeof pipe === "function" && typeof on === "function" && typeof destroy === "function";
}
