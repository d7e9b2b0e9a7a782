import { Router } from "../app/router.ts";
import { sse } from "../responses/sse.ts";
import type { SseEvent } from "../responses/sse-event.ts";
import type { ChangedEvent, SampleEvent } from "./dashboard-types.ts";
import type { Dashboard } from "./dashboard.ts";

/** Changes are collected for so long. */
const collectMs = 500;
/** Of more jobs than that it is only said that something has changed. */
const maxIds = 100;

/** `GET api/events`: samples and changes, as server-sent events. */
export function eventRoutes(dashboard: () => Dashboard): Router {
  const router = new Router({ prefix: "/api" });
  router.get("/events", { signal: AbortSignal }, ({ signal }) =>
    sse(events(dashboard(), AbortSignal.any([signal, dashboard().closing]))),
  );
  return router;
}

async function* events({ broker, sampler }: Dashboard, signal: AbortSignal): AsyncGenerator<SseEvent> {
  const news = new News();
  const stops = [
    sampler.watch((sample) => news.sample(sample)),
    broker.subscribe((ids) => news.changed(ids)),
    () => news.end(),
  ];
  const onAbort = (): void => news.end();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // At once, so that the page knows that it is connected.
    yield { event: "hello", data: {}, retry: 2_000 };
    while (!signal.aborted) {
      const event = await news.next();
      if (event === undefined) return;
      yield event;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const stop of stops) stop();
  }
}

/** What a stream has to tell. Who reads slowly gets the last sample and one list of changes, not a backlog. */
class News {
  #sample: SampleEvent | undefined;
  #ids: Set<string> | undefined;
  #isVague = false;
  #timer: NodeJS.Timeout | undefined;
  #hasChanges = false;
  #hasEnded = false;
  #wake = (): void => {};

  sample(sample: SampleEvent): void {
    this.#sample = sample;
    this.#wake();
  }

  changed(ids: readonly string[] | undefined): void {
    if (ids === undefined) this.#isVague = true;
    else if (!this.#isVague) {
      this.#ids ??= new Set();
      for (const id of ids) this.#ids.add(id);
      this.#isVague = this.#ids.size > maxIds;
    }
    if (this.#isVague) this.#ids = undefined;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#hasChanges = true;
      this.#wake();
    }, collectMs);
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#wake();
  }

  async next(): Promise<SseEvent | undefined> {
    for (;;) {
      if (this.#hasEnded) return undefined;
      if (this.#hasChanges) {
        const data: ChangedEvent = { ids: this.#isVague ? undefined : [...(this.#ids ?? [])] };
        this.#hasChanges = this.#isVague = false;
        this.#ids = undefined;
        return { event: "changed", data };
      }
      if (this.#sample !== undefined) {
        const data = this.#sample;
        this.#sample = undefined;
        return { event: "sample", data };
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
