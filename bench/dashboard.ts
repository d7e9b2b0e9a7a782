// With many jobs stored, how long does each page of the dashboard take, and what does an open page cost the broker?
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { App, sqlite, StoreError, type Broker, type RunningServer } from "afterword";
import { dashboard } from "afterword/dashboard";
import { postgres } from "afterword/postgres";
import { redis } from "afterword/redis";
import type { JobsPage } from "../src/dashboard/dashboard-types.ts";
import { createSampleJob } from "../src/testing/describe-broker/sample-job.ts";
import type { BenchOptions } from "./lib/options.ts";
import { PostgresServer } from "./lib/postgres-server.ts";
import { skipped, type Answer } from "./lib/question.ts";
import { redisVersion, RedisServer } from "./lib/redis-server.ts";
import { SqliteFile } from "./lib/sqlite-file.ts";
import { median } from "./lib/statistics.ts";

export const names: readonly string[] = ["sqlite", "redis", "postgres"];

const queues = ["default", "mail", "images"];
const pages = [
  "queues",
  "workers",
  "jobs",
  "jobs?status=queued",
  "jobs?status=scheduled",
  "jobs?status=succeeded",
  "jobs?status=failed",
  "jobs?queue=mail",
  "jobs?task=task-7",
  "jobs?q=user77%40",
  "jobs?q=nothing-like-it",
  "jobs?key=key-500",
  "dead",
  "schedules",
] as const;
const maxMs = 200;
const maxPercent = 1;

type Times = Readonly<Record<string, number>>;

interface Measured {
  /** Milliseconds of an answer, the median. */
  readonly pages: Times;
  /** How much of the time the broker was asked something, while a page was open. */
  readonly openPercent: number;
}

export async function run(options: BenchOptions): Promise<Answer> {
  const count = options.quick ? 3_000 : 100_000;
  const picked = names.filter((name) => options.only.size === 0 || options.only.has(name));
  const missing: string[] = [];
  const measured: Record<string, Measured> = {};
  for (const name of picked) {
    const result = await measure(name, count, options);
    if (typeof result === "string") missing.push(skipped(result));
    else measured[name] = result;
  }
  const rows = Object.entries(measured);
  return {
    tables: [
      {
        title: `One answer with ${count.toLocaleString("en")} jobs, median of milliseconds`,
        head: ["", ...rows.map(([name]) => name)],
        rows: pages.map((page) => [page, ...rows.map(([, { pages: times }]) => times[page]!.toFixed(1))]),
      },
    ],
    notes: [
      "A fifth of the jobs have ended, a tenth of them badly; a tenth is delayed. A search that looks through all takes several answers.",
      ...rows.map(
        ([name, { openPercent }]) =>
          `${name}: while the overview was open and nothing ran, the broker was asked for ${openPercent.toFixed(2)} % of the time.`,
      ),
    ],
    targets: rows.flatMap(([name, { pages: times, openPercent }]) => {
      const worst = Math.max(...Object.values(times));
      return [
        {
          text: `${name}: each page within ${maxMs} ms`,
          value: `${worst.toFixed(0)} ms`,
          isMet: worst <= maxMs,
        },
        {
          text: `${name}: an open dashboard costs the broker under ${maxPercent} % of a core`,
          value: `${openPercent.toFixed(2)} %`,
          isMet: openPercent < maxPercent,
        },
      ];
    }),
    skipped: missing,
    data: measured,
  };
}

async function measure(name: string, count: number, options: BenchOptions): Promise<Measured | string> {
  if (name === "sqlite") {
    using file = new SqliteFile();
    return await measureBroker(sqlite(file.path), count, options);
  }
  if (name === "redis") {
    if (redisVersion() === undefined) return "redis-server is not installed: apt install redis-server";
    await using server = await RedisServer.start();
    return await measureBroker(redis(server.url), count, options);
  }
  const server = await PostgresServer.connect();
  if (typeof server === "string") return server;
  await using open = server;
  return await open.withDatabase((url) => measureBroker(postgres(url), count, options));
}

async function measureBroker(broker: Broker, count: number, options: BenchOptions): Promise<Measured> {
  const app = new App({ broker, worker: false });
  app.mount("/dashboard", dashboard());
  const server = await app.listen({ port: 0, signals: false });
  try {
    await store(broker, count);
    await end(broker, count / 5);
    const times: Record<string, number> = {};
    for (const page of pages) times[page] = await timeOf(server, page, options.quick ? 1 : options.rounds);
    return { pages: times, openPercent: await costOfOpenPage(broker, server, options.quick ? 2 : 30) };
  } finally {
    await server.close();
  }
}

async function store(broker: Broker, count: number): Promise<void> {
  for (let from = 0; from < count; from += 250)
    await storeSurely(broker, {
      jobs: Array.from({ length: 250 }, (_, index) => {
        const n = from + index;
        return createSampleJob({
          task: `task-${n % 20}`,
          queue: queues[n % queues.length]!,
          args: JSON.stringify([{ user: `user${n}@example.com`, order: n, note: "x".repeat(100) }]),
          attempts: 1,
          uniqueKey: n % 10 === 0 ? `key-${n}` : undefined,
          delayMs: n % 10 === 1 ? 3_600_000 : 0,
        });
      }),
    });
}

/** A server that others keep busy refuses now and then; storing an id again is storing it once. */
async function storeSurely(broker: Broker, request: Parameters<Broker["enqueue"]>[0]): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await broker.enqueue(request);
      return;
    } catch (error) {
      if (!(error instanceof StoreError) || tries === 20) throw error;
      await sleep(500);
    }
}

async function end(broker: Broker, count: number): Promise<void> {
  const done = { ended: 0 };
  const consumer = broker.consume(
    {
      worker: { id: randomUUID(), host: "bench", pid: process.pid, queues, slots: 100 },
      slots: 100,
      queues,
      leaseMs: 60_000,
      maxDeliveries: 3,
      onError: () => {},
    },
    async () =>
      done.ended++ % 10 === 0
        ? {
            status: "failed",
            error: { name: "Error", message: `Order ${done.ended} failed`, stack: "Error\n    at bench" },
          }
        : { status: "succeeded", result: "true" },
  );
  while (done.ended < count) await sleep(20);
  await consumer.stop();
  await consumer.idle();
  await consumer.close();
}

async function timeOf(server: RunningServer, page: string, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let after: string | undefined = "";
    // The parts of a search that finds little.
    for (let part = 0; after !== undefined && part < 10; part++) {
      const startedMs = performance.now();
      const from: string = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const response = await fetch(`${server.url}/dashboard/api/${page}${from}`);
      const answer = (await response.json()) as Partial<JobsPage>;
      times.push(performance.now() - startedMs);
      after = page.startsWith("jobs?") && answer.jobs?.length === 0 ? answer.next : undefined;
    }
  }
  return median(times);
}

async function costOfOpenPage(broker: Broker, server: RunningServer, seconds: number): Promise<number> {
  const stream = await fetch(`${server.url}/dashboard/api/events`);
  const reader = stream.body!.getReader();
  // By the first samples it learns how long they take.
  await sleep(8_000);
  let spentMs = 0;
  const timed = <A extends unknown[], R>(ask: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) => {
    return async (...args) => {
      const startedMs = performance.now();
      try {
        return await ask(...args);
      } finally {
        spentMs += performance.now() - startedMs;
      }
    };
  };
  broker.counts = timed(broker.counts.bind(broker));
  broker.list = timed(broker.list.bind(broker));
  broker.get = timed(broker.get.bind(broker));
  const startedMs = performance.now();
  await sleep(seconds * 1_000);
  const percent = (spentMs / (performance.now() - startedMs)) * 100;
  await reader.cancel();
  return percent;
}
