/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Whether `value` has a `then` method, which is what `await` itself looks for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** Calls `next` with the value at once, or when its promise resolves: synchronous work makes no promise. */
export function andThen<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isThenable(value) ? (value as PromiseLike<T>).then(next) : next(value as T);
}
