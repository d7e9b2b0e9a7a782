// How near does the RabbitMQ broker come to bare messages, how far is Celery, and how soon do its jobs run?
import { celeryRuns, findCelery } from "./lib/celery.ts";
import { claimSizes } from "./lib/claims.ts";
import { measureDepth, toDepthTable, toDepthTarget, type Depths } from "./lib/depth.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { nothing, skipped, type Answer, type Target } from "./lib/question.ts";
import { RabbitmqServer } from "./lib/rabbitmq-server.ts";
import { interleave } from "./lib/rounds.ts";
import {
  addingBatches,
  addingOneByOne,
  askServer,
  fill,
  namesOf,
  running,
  type ServerWay,
} from "./lib/server-question.ts";
import { latencyWaysBeside } from "./lib/start-latency.ts";
import { toRatioTarget, type WorkSamples } from "./lib/work-table.ts";

type Ways = Readonly<Record<string, ServerWay<RabbitmqServer>>>;

const { python, versions: celeryVersions } = findCelery("amqp");

const engineWays: Ways = {
  "bare-add": { title: "add: amqplib, batches of 100, 4 at once", base: "bare-add", go: addingBatches("amqplib") },
  "headers-add": {
    title: "the same, with our messages",
    base: "bare-add",
    go: addingBatches("amqplib-headers"),
  },
  "broker-add": { title: "add: the broker, the same batches", base: "bare-add", go: addingBatches("broker") },
  "bare-each": { title: "add: amqplib, 1,000 callers at once", base: "bare-each", go: addingOneByOne("amqplib") },
  "task-each": { title: "add: task.enqueue(), the same", base: "bare-each", go: addingOneByOne("broker") },
  "bare-run": { title: "run: amqplib, prefetch 200, each acknowledged", base: "bare-run", go: running("amqplib") },
  "headers-run": { title: "the same, with our messages", base: "bare-run", go: running("amqplib-headers") },
  "worker-run": { title: "run: Worker, concurrency 200", base: "bare-run", go: running("broker") },
};
const celeryWays: Ways = celeryRuns(python);

const latencyWays = latencyWaysBeside({ call: "amqplib", engine: "amqplib" }, 1_000);

const durability = "one node, quorum queues, publisher confirms";

export const names: readonly string[] = [
  ...namesOf({ ways: { ...engineWays, ...celeryWays }, latencyWays }).filter((name) => name !== "claim"),
  "depth",
];

export async function run(options: BenchOptions): Promise<Answer> {
  const server = await RabbitmqServer.start();
  if (server === undefined) return nothing("RabbitMQ is not installed: apt install rabbitmq-server");
  await using disposed = server;
  const answer = await askServer(
    {
      ways: { ...engineWays, ...(celeryVersions !== undefined && celeryWays) },
      latencyWays,
      durability,
      notes: [
        "amqplib sends persistent messages with nothing but the argument in them, on one channel. With our messages, it sends the headers and properties of a job. The broker keeps no results.",
        "Celery's queue is a durable classic one, its messages are not confirmed, its own client adds them beforehand; the time goes from the start of the first job to that of the last, of workers that were ready. They ignore results.",
      ],
      recoveryNote:
        "P9: without results there is no lease: RabbitMQ hands out the messages of a lost connection to others at once.",
      toTargets,
    },
    disposed,
    options,
  );
  const depths =
    options.only.size === 0 || options.only.has("depth") ? await measureDepths(disposed, options) : undefined;
  const packages = { amqplib: installedVersion("amqplib"), celeryVersions };
  return {
    ...answer,
    tables: [...answer.tables, ...(depths ? [toDepthTable(depths, durability)] : [])],
    notes: [
      ...answer.notes,
      "P8: the messages of a worker wait at the server; what it has taken it holds in memory, at most one for each slot.",
    ],
    targets: [...answer.targets, ...(depths ? [toDepthTarget(depths)] : [])],
    skipped:
      celeryVersions === undefined
        ? [skipped("Celery is not installed: apt install celery python3-celery (or set PYTHON)")]
        : [],
    data: {
      versions: { rabbitmq: disposed.version, ...packages },
      ...(answer.data as object),
      depths: depths && Object.fromEntries(depths),
    },
  };
}

async function measureDepths(server: RabbitmqServer, options: BenchOptions): Promise<Depths> {
  const sizes = claimSizes(options);
  const jobs = options.quick ? 1_000 : 10_000;
  return server.withDatabase(async (few) =>
    server.withDatabase(async (many) => {
      const urls = new Map(sizes.map((size, index) => [String(size), [few, many][index]!]));
      for (const [size, url] of urls) {
        console.error(`P8: storing ${size} jobs`);
        await fill(url, Number(size));
      }
      const samples = await interleave("P8", [...urls.keys()], options, (size) => measureDepth(urls.get(size)!, jobs));
      return new Map(sizes.map((size) => [size, samples.get(String(size))!]));
    }),
  );
}

function toTargets(samples: WorkSamples): readonly Target[] {
  return [
    ...toRatioTarget(samples, "broker-add", "bare-add", 0.9, "P6 add in batches at least 0.9 × amqplib"),
    ...toRatioTarget(samples, "broker-add", "headers-add", 0.9, "P6 the same, with our messages"),
    ...toRatioTarget(samples, "task-each", "bare-each", 0.9, "P6 add one by one at least 0.9 × amqplib"),
    ...toRatioTarget(samples, "worker-run", "bare-run", 0.9, "P6 run at least 0.9 × amqplib"),
    ...toRatioTarget(samples, "worker-run", "headers-run", 0.9, "P6 the same, with our messages"),
    ...toRatioTarget(samples, "worker-run", "celery-run", 3, "P6 run at least 3 × Celery, prefork"),
    ...toRatioTarget(samples, "worker-run", "celery-solo", 3, "P6 run at least 3 × Celery at its fastest"),
  ];
}
