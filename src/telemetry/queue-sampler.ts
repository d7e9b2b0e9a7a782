import type { Broker, QueueCounts } from "../tasks/broker.ts";

/** What a broker said of its queues. */
export interface QueueSample {
  readonly queues: readonly QueueCounts[];
  /** When it was asked, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** A broker is not asked again for so many times as long as its last answer took: asking costs it 1 % of a core at most. */
const restFactor = 100;
const minRestMs = 1_000;
/** So long somebody waits for a new answer, when there is an older one. */
const maxWaitMs = 1_000;

/** Asks a broker how many jobs its queues have, seldom enough that nobody notices, however many want to know. */
export class QueueSampler {
  readonly #broker: Broker;
  readonly #now: () => number;
  #last: QueueSample | undefined = undefined;
  #nextMs = 0;
  #asking: Promise<void> | undefined = undefined;

  /** @param now - milliseconds of a clock that goes forward only */
  constructor(broker: Broker, now: () => number = () => performance.now()) {
    this.#broker = broker;
    this.#now = now;
  }

  /** The last answer, or a new one if it is time; `undefined` while there is none. Never rejects. */
  async sample(): Promise<QueueSample | undefined> {
    if (this.#asking === undefined && this.#now() >= this.#nextMs) this.#asking = this.#ask();
    if (this.#asking) await within(this.#asking, this.#last === undefined ? 2 * maxWaitMs : maxWaitMs);
    return this.#last;
  }

  async #ask(): Promise<void> {
    const startedMs = this.#now();
    const at = Date.now();
    try {
      this.#last = { queues: await this.#broker.counts(), at };
    } catch {
      // It is away. Who watches sees that the answer grows old.
    }
    const endedMs = this.#now();
    this.#nextMs = endedMs + Math.max(minRestMs, restFactor * (endedMs - startedMs));
    this.#asking = undefined;
  }
}

const samplers = new WeakMap<Broker, QueueSampler>();

/** The one of a broker, for all who ask in this process. */
export function samplerOf(broker: Broker): QueueSampler {
  let sampler = samplers.get(broker);
  if (sampler === undefined) samplers.set(broker, (sampler = new QueueSampler(broker)));
  return sampler;
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
