// How fast does a worker of ours run the messages of Celery's own client, beside Celery's workers on the same queue?
import { hasPrograms } from "../test/support/programs.ts";
import { rabbitmqPrograms } from "../test/support/rabbitmq-node.ts";
import type { WorkSample } from "./lib/engine-work.ts";
import { findCelery, maxCeleryJobs, ours, prefork, runCelery, solo, type CeleryWay } from "./lib/celery.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { nothing, skipped, type Answer, type Target } from "./lib/question.ts";
import { RabbitmqServer } from "./lib/rabbitmq-server.ts";
import { redisVersion, RedisServer } from "./lib/redis-server.ts";
import { interleave } from "./lib/rounds.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import { formatRate, rateOf, ratioOf, type WorkSamples } from "./lib/work-table.ts";

interface Way extends CeleryWay {
  readonly title: string;
}

type Ways = Readonly<Record<string, Way>>;

/** A server that hands out the messages, and who runs them there. */
interface Place {
  readonly name: string;
  readonly ways: Ways;
  /** What has to be there, if it is not. */
  readonly lacks: string | undefined;
  readonly versions: object;
  readonly start: () => Promise<CeleryServer>;
}

interface CeleryServer extends AsyncDisposable {
  readonly pid: number;
  withDatabase<T>(fn: (url: string) => Promise<T>): Promise<T>;
}

const pools: Ways = {
  ours: { ...ours, title: "one Worker, concurrency 200" },
  prefork: { ...prefork, title: "Celery, prefork, a process for each core" },
  solo: { ...solo, title: "Celery, a solo worker for each core, prefetching 128" },
};
const onRedis: Ways = Object.fromEntries(
  Object.entries(pools).flatMap(([name, way]) => [
    [name, way],
    [`${name}-results`, { ...way, results: true, title: `${way.title}; results kept` }],
  ]),
);
const onRabbitmq: Ways = Object.fromEntries(Object.entries(pools).map(([name, way]) => [`${name}-rabbitmq`, way]));
const ways: Ways = { ...onRedis, ...onRabbitmq };

export const names: readonly string[] = Object.keys(ways);

export async function run(options: BenchOptions): Promise<Answer> {
  const { python, versions } = findCelery("redis");
  if (versions === undefined)
    return nothing("Celery is not installed: apt install celery python3-celery python3-redis (or set PYTHON)");
  const count = options.quick ? 500 : maxCeleryJobs;
  const places = findPlaces(versions);
  const measured = new Map<Place, WorkSamples>();
  for (const place of places) {
    const picked = Object.keys(place.ways).filter((name) => options.only.size === 0 || options.only.has(name));
    if (place.lacks !== undefined || picked.length === 0) continue;
    await using server = await place.start();
    const runOne = (name: string): Promise<WorkSample> =>
      server.withDatabase((url) => runCelery(python, ways[name]!, url, count, server.pid));
    measured.set(place, await interleave(`P7 on ${place.name}`, picked, options, runOne));
  }
  return {
    tables: Array.from(measured, ([{ name }, samples]) => toTable(name, samples)),
    notes: [
      "Celery's own client adds the messages beforehand; the time goes from the start of the first job to that of the last, of workers that were ready. CPU is that of all processes of the workers. A job of a core is what a second of that CPU runs.",
    ],
    targets: Array.from(measured, ([{ name }, samples]) => toTargets(name, samples)).flat(),
    skipped: places.flatMap(({ lacks }) => (lacks === undefined ? [] : [skipped(lacks)])),
    data: {
      count,
      versions: Object.assign({}, ...Array.from(measured.keys(), (place) => place.versions)) as object,
      samples: Object.fromEntries([...measured.values()].flatMap((samples) => [...samples])),
    },
  };
}

function findPlaces(celeryOnRedis: string): readonly Place[] {
  const redis = redisVersion();
  const celeryOnAmqp = findCelery("amqp").versions;
  return [
    {
      name: "Redis",
      ways: onRedis,
      lacks: redis === undefined ? "redis-server is not installed: apt install redis-server" : undefined,
      versions: { redis, ioredis: installedVersion("ioredis"), celery: celeryOnRedis },
      start: () => RedisServer.start(),
    },
    {
      name: "RabbitMQ",
      ways: onRabbitmq,
      lacks: hasPrograms(...rabbitmqPrograms) ? undefined : "RabbitMQ is not installed: apt install rabbitmq-server",
      versions: { amqplib: installedVersion("amqplib"), celeryOnAmqp },
      start: async () => (await RabbitmqServer.start())!,
    },
  ];
}

function toTable(place: string, samples: WorkSamples): Answer["tables"][number] {
  const middle = (name: string, key: "cpuUs" | "serverCpuUs"): number =>
    median(samples.get(name)!.map((sample) => sample[key]!));
  return {
    title: `P7: running Celery's messages on ${place}, jobs that do nothing`,
    head: ["what", "jobs/s", "× prefork", "CPU µs/job", "jobs/s of a core", "× prefork", "server's µs"],
    rows: [...samples.keys()].map((name) => {
      const base = baseOf(name, "prefork");
      return [
        ways[name]!.title,
        formatRate(rateOf(samples, name)),
        ratioOf(samples, name, base)?.toFixed(2) ?? "",
        middle(name, "cpuUs").toFixed(1),
        formatRate(1_000_000 / middle(name, "cpuUs")),
        coreRatio(samples, name, base)?.toFixed(2) ?? "",
        middle(name, "serverCpuUs").toFixed(1),
      ];
    }),
  };
}

function toTargets(place: string, samples: WorkSamples): readonly Target[] {
  return ["ours", "ours-results", "ours-rabbitmq"].flatMap((name) =>
    ["prefork", "solo"].flatMap((pool) => {
      const base = baseOf(name, pool);
      const ratio = coreRatio(samples, name, base);
      if (ratio === undefined) return [];
      const text = `P7 on ${place}, at least 5 × the jobs of a core: ${ways[name]!.title}, against ${ways[base]!.title}`;
      return [{ text, value: ratio.toFixed(2), isMet: ratio >= 5 }];
    }),
  );
}

/** The pool that does the same. */
function baseOf(name: string, pool: string): string {
  const [, ...rest] = name.split("-");
  return [pool, ...rest].join("-");
}

/** The median of the ratios within each round, of jobs for each second of CPU. */
function coreRatio(samples: WorkSamples, name: string, base: string): number | undefined {
  const cpuOf = (of: string): number[] => samples.get(of)!.map(({ cpuUs }) => cpuUs);
  return samples.has(name) && samples.has(base) ? medianRatio(cpuOf(base), cpuOf(name)) : undefined;
}
