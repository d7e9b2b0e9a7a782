import type { ItemSource } from "./item-source.ts";

/**
 * A source that gives `ping` whenever its producer was silent for `everyMs`. The timer runs only while somebody waits for
 * an item, so it ends with the stream, and a slow reader finds no heap of pings.
 */
export function keepAlive(source: ItemSource, everyMs: number, ping: unknown): ItemSource {
  /** The item that is being produced: a ping does not end the wait for it. */
  let coming: Promise<IteratorResult<unknown>> | undefined;
  let hasCome = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  const arrive = (): void => {
    hasCome = true;
    wake?.();
  };
  const take = (): Promise<IteratorResult<unknown>> => {
    const result = coming!;
    coming = undefined;
    hasCome = false;
    return result;
  };

  return {
    next() {
      if (coming === undefined) {
        coming = read(source);
        coming.then(arrive, arrive);
      }
      if (hasCome) return take();
      return new Promise((resolve) => {
        timer = setTimeout(() => {
          wake = undefined;
          resolve({ done: false, value: ping });
        }, everyMs).unref();
        wake = () => {
          clearTimeout(timer);
          wake = undefined;
          resolve(take());
        };
      });
    },
    cancel(reason) {
      clearTimeout(timer);
      return source.cancel(reason);
    },
  };
}

async function read(source: ItemSource): Promise<IteratorResult<unknown>> {
  return source.next();
}
