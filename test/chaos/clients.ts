import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "./random.ts";

/** What the clients have seen. */
export interface Ledger {
  requests: number;
  /** The ids of answers 2xx that were read to their end. */
  readonly confirmed: Set<string>;
  /** How often another status was answered. */
  readonly refused: Map<number, number>;
  /** How long the slowest of those took, in milliseconds. */
  slowestRefusalMs: number;
  /** Requests whose answer did not come, or not to its end. */
  broken: number;
  /** Those that nobody has broken off, and that were not answered all the same. */
  hung: number;
  /** How often the state of a job was asked for and told. */
  looks: number;
  /** Ids that were confirmed and then not known. */
  readonly unknown: Set<string>;
}

export function createLedger(): Ledger {
  return {
    requests: 0,
    confirmed: new Set(),
    refused: new Map(),
    slowestRefusalMs: 0,
    broken: 0,
    hung: 0,
    looks: 0,
    unknown: new Set(),
  };
}

/** So long the longest of the functions blocks its event loop: longer than a lease. */
export const longestBlockMs = 900;

/** Without an answer for so long, a request hangs. */
const hungMs = 10_000;

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

/** Asks for job after job, now and then how one of them is, and writes down what was promised. */
export async function runClient(
  ledger: Ledger,
  random: Random,
  port: () => number | undefined,
  isOver: () => boolean,
): Promise<void> {
  const recent: string[] = [];
  while (!isOver()) {
    const known = port();
    if (known !== undefined) {
      const id = await post(ledger, known, drawTarget(random));
      if (id !== undefined) recent.push(id);
      const asked = random.integer(1, 4) === 1 ? random.pick(recent.slice(-20)) : undefined;
      if (asked !== undefined) await look(ledger, known, asked);
    }
    await delay(random.integer(5, 45));
  }
}

/** Asks for jobs and for work after the response, and goes away: while it asks, before it reads, or in the middle of reading. */
export async function runRudeClient(
  random: Random,
  port: () => number | undefined,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const known = port();
    if (known !== undefined) await askAndGo(random, known);
    await delay(random.integer(20, 100));
  }
}

function askAndGo(random: Random, port: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const target = random.integer(1, 2) === 1 ? drawTarget(random) : "/notes";
  const request = `POST ${target} HTTP/1.1\r\nhost: rude\r\n\r\n`;
  const socket = connect(port, "127.0.0.1");
  // An error is no news here, and a server that is gone is not waited for.
  socket.on("error", () => {});
  socket.once("close", () => resolve());
  socket.once("data", () => socket.destroy());
  socket.setTimeout(1_000, () => socket.destroy());
  socket.write(random.integer(1, 3) === 1 ? request.slice(0, random.integer(1, request.length - 1)) : request);
  setTimeout(() => socket.destroy(), random.integer(0, 30));
  return promise;
}

/** @returns the id, if there was a promise */
export async function post(ledger: Ledger, port: number, target: string): Promise<string | undefined> {
  const answer = await ask(ledger, port, "POST", target);
  if (answer?.status !== 202) return undefined;
  const { id } = JSON.parse(answer.text) as { readonly id: string };
  ledger.confirmed.add(id);
  return id;
}

async function look(ledger: Ledger, port: number, id: string): Promise<void> {
  const answer = await ask(ledger, port, "GET", `/tasks/${id}`);
  if (answer?.status === 200) ledger.looks++;
  if (answer?.status === 404) ledger.unknown.add(id);
}

async function ask(
  ledger: Ledger,
  port: number,
  method: string,
  target: string,
): Promise<{ readonly status: number; readonly text: string } | undefined> {
  ledger.requests++;
  const startMs = performance.now();
  try {
    const signal = AbortSignal.timeout(hungMs);
    const response = await fetch(`http://127.0.0.1:${port}${target}`, { method, signal });
    const text = await response.text();
    if (!response.ok) {
      ledger.refused.set(response.status, (ledger.refused.get(response.status) ?? 0) + 1);
      ledger.slowestRefusalMs = Math.max(ledger.slowestRefusalMs, performance.now() - startMs);
    }
    return { status: response.status, text };
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError") ledger.hung++;
    else ledger.broken++;
    return undefined;
  }
}
