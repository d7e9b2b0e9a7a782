import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "./random.ts";

/** What the clients have seen. */
export interface Ledger {
  requests: number;
  /** The ids of answers 2xx that were read to their end. */
  readonly confirmed: Set<string>;
  /** How often another status was answered. */
  readonly refused: Map<number, number>;
  /** Requests whose answer did not come, or not to its end. */
  broken: number;
}

export function createLedger(): Ledger {
  return { requests: 0, confirmed: new Set(), refused: new Map(), broken: 0 };
}

/** So long the longest of the functions blocks its event loop: longer than a lease. */
export const longestBlockMs = 900;

const kinds = { sleep: 60, flaky: 15, talk: 15, block: 3, longBlock: 0.5 } as const;

function drawTarget(random: Random): string {
  const kind = random.weighted(kinds);
  switch (kind) {
    case "block":
      return `/jobs/block/${random.integer(50, 150)}`;
    case "longBlock":
      return `/jobs/block/${longestBlockMs}`;
    case "talk":
      return `/jobs/talk/${random.integer(40, 200)}`;
    default:
      return `/jobs/${kind}/${random.integer(1, random.integer(1, 10) === 1 ? 400 : 20)}`;
  }
}

/** Asks for job after job, and writes down what was promised. */
export async function runClient(
  ledger: Ledger,
  random: Random,
  port: () => number | undefined,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const known = port();
    if (known !== undefined) await post(ledger, known, drawTarget(random));
    await delay(random.integer(5, 45));
  }
}

/** @returns the id, if there was a promise */
export async function post(ledger: Ledger, port: number, target: string): Promise<string | undefined> {
  ledger.requests++;
  try {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(`http://127.0.0.1:${port}${target}`, { method: "POST", signal });
    const text = await response.text();
    if (!response.ok) {
      ledger.refused.set(response.status, (ledger.refused.get(response.status) ?? 0) + 1);
      return undefined;
    }
    const { id } = JSON.parse(text) as { readonly id: string };
    ledger.confirmed.add(id);
    return id;
  } catch {
    ledger.broken++;
    return undefined;
  }
}
