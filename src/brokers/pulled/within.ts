/** There was no answer in time. */
export class SilenceError extends Error {}

/** `promise`, or a {@link SilenceError}. In a loop that was blocked, an answer that is there already counts, though its time is over. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new SilenceError(`${what} within ${ms} ms`));
    timer = setTimeout(() => (timer = setTimeout(fail, 5)), ms);
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
