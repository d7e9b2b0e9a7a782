import { isDeepStrictEqual } from "node:util";
import { App, BackgroundTasks, memory, task, type Broker, type QueueCounts } from "afterword";
import { metricsPage } from "afterword/metrics";
import { describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { QueueSampler } from "../../src/telemetry/queue-sampler.ts";
import { TextMeter } from "../../src/telemetry/metrics/text-meter.ts";
import { parseMetrics, type ParsedMetric, type ParsedPage, type ParsedSeries } from "./parse-metrics.ts";

keepTidy();

const seriesOf = (metric: ParsedMetric | undefined, labels: Record<string, string>): ParsedSeries | undefined =>
  metric?.metrics.find((series) => Object.entries(labels).every(([name, value]) => series.labels?.[name] === value));

describe.each(embeddedBrokers)("the metrics page of an app on $name", (kind) => {
  test("is scraped over HTTP, and tells of queues, jobs, tasks and the event loop", async () => {
    const page = metricsPage();
    const gate = createGate();
    const app = new App({ broker: await kind.create(), worker: { concurrency: 1 }, background: { onError() {} } });
    const work = task("page.work", { attempts: 1 }, async (how: string) => {
      if (how === "fail") throw new RangeError("no");
      if (how === "wait") await gate.opened;
    });
    app.get("/metrics", { includeInSchema: false }, {}, page);
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(work, "succeed");
      tasks.addTask(work, "fail");
      tasks.addTask(async function sendMail() {});
      tasks.addTask(function broken() {
        throw new TypeError("no");
      });
    });
    app.post("/wait", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(work, "wait");
      tasks.addTask(work, "behind it");
      tasks.addTask(() => gate.opened);
      tasks.addTask(() => {});
    });
    const server = await app.listen({ port: 0, signals: false });
    try {
      const scrape = async (): Promise<ParsedPage> => {
        const response = await fetch(`${server.url}/metrics`);
        expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
        return parseMetrics(await response.text());
      };
      await fetch(`${server.url}/`, { method: "POST" });
      let metrics = await scrape();
      await waitUntil(async () => {
        metrics = await scrape();
        return (
          seriesOf(metrics.get("afterword_job_ended_total"), { afterword_outcome: "failed" }) &&
          seriesOf(metrics.get("afterword_task_ended_total"), { afterword_outcome: "failed" }) &&
          seriesOf(metrics.get("afterword_job_ended_total"), { afterword_outcome: "succeeded" })
        );
      });
      expect(metrics.get("afterword_task_ended_total")).toMatchObject({
        type: "COUNTER",
        help: "Background tasks that have ended, by their outcome.",
        metrics: [
          { labels: { afterword_task_name: "sendMail", afterword_outcome: "succeeded" }, value: "1" },
          {
            labels: { afterword_task_name: "broken", afterword_outcome: "failed", error_type: "TypeError" },
            value: "1",
          },
        ],
      });
      expect(seriesOf(metrics.get("messaging_client_sent_messages_total"), {})).toEqual({
        labels: {
          afterword_broker: kind.name,
          afterword_task_name: "page.work",
          messaging_destination_name: "default",
          messaging_operation_name: "send",
          messaging_system: "afterword",
        },
        value: "2",
      });
      const failed = { afterword_outcome: "failed", error_type: "RangeError" };
      expect(metrics.get("messaging_process_duration_seconds")!.type).toBe("HISTOGRAM");
      expect(metrics.value("messaging_process_duration_seconds_count", failed)).toBe(1);
      expect(metrics.value("messaging_process_duration_seconds_bucket", { ...failed, le: "900" })).toBe(1);
      expect(metrics.value("messaging_process_duration_seconds_sum", failed)).toBeGreaterThan(0);
      expect(Number(metrics.get("nodejs_eventloop_utilization_ratio")!.metrics[0]!.value)).toBeGreaterThan(0);

      await fetch(`${server.url}/wait`, { method: "POST" });
      const queue = { afterword_broker: kind.name, messaging_destination_name: "default" };
      const counts = (): (number | undefined)[] =>
        ["running", "queued", "succeeded", "failed", "scheduled"].map((status) =>
          metrics.value("afterword_queue_jobs", { ...queue, afterword_job_status: status }),
        );
      // The queues are asked for once a second at most.
      await waitUntil(
        async () => {
          metrics = await scrape();
          return isDeepStrictEqual(counts(), [1, 1, 1, 1, 0]);
        },
        { withinMs: 15_000 },
      );
      expect(Number(metrics.get("afterword_queue_oldest_age_seconds")!.metrics[0]!.value)).toBeGreaterThan(0);
      expect(metrics.get("afterword_queue_paused")!.metrics[0]!.value).toBe("0");
      expect(metrics.get("afterword_job_running")!.metrics[0]!.value).toBe("1");
      expect(metrics.get("afterword_task_running")!.metrics[0]!.value).toBe("1");
      expect(metrics.get("afterword_task_pending")!.metrics[0]!.value).toBe("1");
    } finally {
      gate.open();
      await server.close();
      page.stop();
    }
  });
});

describe("the metrics page", () => {
  test("escapes what stands in names", async () => {
    const page = metricsPage({ queues: false, eventLoop: false });
    const name = 'a "name"\\with\na line }';
    const tasks = new BackgroundTasks();
    tasks.with({ name }).addTask(() => {});
    await tasks.run();
    const text = await page.text();
    page.stop();
    expect(text).toContain(String.raw`afterword_task_name="a \"name\"\\with\na line }"`);
    const series = parseMetrics(text).get("afterword_task_ended_total")!.metrics[0]!;
    expect(series.labels!["afterword_task_name"]).toBe(name);
  });

  test("shows one broker where one is named, and nothing after it was stopped", async () => {
    await using other = await openWorkplace({ name: "memory", create: async () => memory() });
    await using shown = await openWorkplace({ name: "memory", create: async () => memory() });
    const page = metricsPage({ broker: shown.broker });
    const there = task("page.there", { queue: "there" }, async () => {});
    const elsewhere = task("page.elsewhere", { queue: "elsewhere" }, async () => {});
    await shown.client.run(() => there.enqueue());
    await other.client.run(() => elsewhere.enqueue());
    const queues = parseMetrics(await page.text()).get("afterword_queue_jobs")!;
    expect(new Set(queues.metrics.map(({ labels }) => labels!["messaging_destination_name"]))).toEqual(
      new Set(["there"]),
    );
    page.stop();
    const before = await page.text();
    await shown.client.run(() => there.enqueue());
    expect(await page.text()).toBe(before);
  });

  test("works beside another framework, as text", async () => {
    const page = metricsPage({ queues: false, eventLoop: false });
    expect(page.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await page.text()).toBe("");
    page.stop();
  });

  test("refuses what it does not know", () => {
    expect(() => metricsPage({ path: "/" } as never)).toThrow('metricsPage() has no option "path".');
    expect(() => metricsPage({ broker: "redis" as never })).toThrow("must be a broker");
    expect(() => metricsPage({ queues: 1 as never })).toThrow("queues must be true or false, but got 1");
  });

  test("keeps names that are made up without end in one series", async () => {
    const meter = new TextMeter();
    const counter = meter.createCounter("a.b", { unit: "{x}", description: "d" });
    for (let index = 0; index < 2_000; index++) counter.add(1, { name: `n${index}` });
    const { metrics } = parseMetrics(await meter.format()).get("a_b_total")!;
    expect(metrics.length).toBe(1_001);
    expect(metrics.at(-1)).toEqual({ labels: { otel_metric_overflow: "true" }, value: "1000" });
  });
});

describe("the lengths of queues", () => {
  const queue: QueueCounts = {
    ...{ queue: "default", isPaused: false, oldestQueuedAt: undefined, scheduled: 0, queued: 1, running: 0 },
    ...{ succeeded: 0, failed: 0, canceled: 0, expired: 0 },
  };

  /** A broker whose counting takes time by a clock of the test's. */
  const slowBroker = (tookMs: number): { broker: Broker; clock: { ms: number }; asked: () => number } => {
    const clock = { ms: 0 };
    let asked = 0;
    const counts = async (): Promise<readonly QueueCounts[]> => {
      asked++;
      clock.ms += tookMs;
      return [{ ...queue, queued: asked }];
    };
    return { broker: { counts } as unknown as Broker, clock, asked: () => asked };
  };

  test("are asked for again only after a hundred times as long as the answer took", async () => {
    const { broker, clock, asked } = slowBroker(300);
    const sampler = new QueueSampler(broker, () => clock.ms);
    const both = await Promise.all([sampler.sample(), sampler.sample()]);
    expect([asked(), both[0] === both[1]]).toEqual([1, true]);
    clock.ms += 29_999;
    expect((await sampler.sample())!.queues[0]!.queued).toBe(1);
    clock.ms += 1;
    expect((await sampler.sample())!.queues[0]!.queued).toBe(2);
    expect(asked()).toBe(2);
  });

  test("are asked for once a second at most where the answer takes no time", async () => {
    const { broker, clock, asked } = slowBroker(0);
    const sampler = new QueueSampler(broker, () => clock.ms);
    for (; clock.ms < 1_000; clock.ms += 100) await sampler.sample();
    expect(asked()).toBe(1);
    await sampler.sample();
    expect(asked()).toBe(2);
  });

  test("are those of before while the broker is away", async () => {
    const { broker, clock } = slowBroker(0);
    const sampler = new QueueSampler(broker, () => clock.ms);
    const known = await sampler.sample();
    broker.counts = () => Promise.reject(new Error("away"));
    clock.ms += 5_000;
    expect(await sampler.sample()).toBe(known);
  });
});
