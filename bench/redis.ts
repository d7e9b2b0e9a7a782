// How near does the Redis broker come to BullMQ by itself, how far is Celery, and how soon do its jobs run?
import { toRedisConfig } from "../src/brokers/redis/options.ts";
import { RedisStore } from "../src/brokers/redis/redis-store.ts";
import { celeryRuns, findCelery, runningCelery, solo } from "./lib/celery.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { nothing, skipped, type Answer } from "./lib/question.ts";
import { redisVersion, RedisServer } from "./lib/redis-server.ts";
import { addingBatches, addingOneByOne, askServer, namesOf, running, type ServerWay } from "./lib/server-question.ts";
import { latencyWaysBeside } from "./lib/start-latency.ts";
import { toRatioTarget, type WorkSamples } from "./lib/work-table.ts";

type Ways = Readonly<Record<string, ServerWay<RedisServer>>>;

const { python, versions: celeryVersions } = findCelery("redis");

const engineWays: Ways = {
  "bare-add": { title: "add: BullMQ, batches of 100, 4 at once", base: "bare-add", go: addingBatches("bullmq") },
  "broker-add": { title: "add: the broker, the same batches", base: "bare-add", go: addingBatches("broker") },
  "bare-each": { title: "add: queue.add(), 1,000 callers at once", base: "bare-each", go: addingOneByOne("bullmq") },
  "task-each": { title: "add: task.enqueue(), the same", base: "bare-each", go: addingOneByOne("broker") },
  "bare-run": { title: "run: Worker of BullMQ, concurrency 200", base: "bare-run", go: running("bullmq") },
  "worker-run": { title: "run: Worker, concurrency 200", base: "bare-run", go: running("broker") },
};
const celeryWays: Ways = {
  ...celeryRuns(python),
  "celery-results": {
    title: "the same, results kept",
    base: "bare-run",
    go: runningCelery(python, { ...solo, results: true }),
  },
};

const latencyWays = latencyWaysBeside({ call: "queue.add()", engine: "bullmq" }, 1_000);

export const names: readonly string[] = namesOf({ ways: { ...engineWays, ...celeryWays }, latencyWays });

export async function run(options: BenchOptions): Promise<Answer> {
  const redis = redisVersion();
  if (redis === undefined) return nothing("redis-server is not installed: apt install redis-server");
  await using server = await RedisServer.start();
  const answer = await askServer(
    {
      ways: { ...engineWays, ...(celeryVersions !== undefined && celeryWays) },
      latencyWays,
      durability: "appendonly yes, appendfsync everysec",
      notes: [
        "BullMQ adds jobs without options, which wait in a list; ours have priorities, which wait in a sorted set. Both keep what has ended, with its result.",
        "Celery's own client adds its jobs beforehand; the time goes from the start of the first to the start of the last, of workers that were ready. They ignore results, but in the row that keeps them, as ours do.",
      ],
      toStore: (url) => new RedisStore(toRedisConfig(url, {})),
      toTargets,
    },
    server,
    options,
  );
  return {
    ...answer,
    skipped:
      celeryVersions === undefined
        ? [skipped("Celery is not installed: apt install celery python3-celery python3-redis (or set PYTHON)")]
        : [],
    data: {
      versions: { redis, bullmq: installedVersion("bullmq"), ioredis: installedVersion("ioredis"), celeryVersions },
      ...(answer.data as object),
    },
  };
}

function toTargets(samples: WorkSamples): readonly ReturnType<typeof toRatioTarget>[number][] {
  return [
    ...toRatioTarget(samples, "broker-add", "bare-add", 0.9, "P6 add in batches at least 0.9 × BullMQ"),
    ...toRatioTarget(samples, "task-each", "bare-each", 0.9, "P6 add one by one at least 0.9 × BullMQ"),
    ...toRatioTarget(samples, "worker-run", "bare-run", 0.9, "P6 run at least 0.9 × BullMQ"),
    ...toRatioTarget(samples, "worker-run", "celery-run", 5, "P6 run at least 5 × Celery, prefork"),
    ...toRatioTarget(samples, "worker-run", "celery-solo", 5, "P6 run at least 5 × Celery at its fastest"),
    ...toRatioTarget(
      samples,
      "worker-run",
      "celery-results",
      5,
      "P6 run at least 5 × Celery at its fastest, results kept",
    ),
  ];
}
