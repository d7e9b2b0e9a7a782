/** Whether `value` is a web stream, of whatever implementation. */
export function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as Partial<ReadableStream>).getReader === "function"
  );
}

/** Tells the producer of a stream that nobody will read it. What closing it throws concerns nobody any more. */
export function discardStream(stream: ReadableStream<unknown>, reason?: unknown): void {
  if (!stream.locked) stream.cancel(reason).catch(() => {});
}
