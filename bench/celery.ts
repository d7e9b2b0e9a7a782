// How fast does a worker of ours run the messages of Celery's own client, beside Celery's workers on the same queue?
import { findCelery, maxCeleryJobs, ours, prefork, runCelery, solo, type CeleryWay } from "./lib/celery.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { skipped, type Answer, type Target } from "./lib/question.ts";
import { redisVersion, RedisServer } from "./lib/redis-server.ts";
import { interleave } from "./lib/rounds.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import { formatRate, rateOf, ratioOf, type WorkSamples } from "./lib/work-table.ts";

interface Way extends CeleryWay {
  readonly title: string;
}

const pools: Readonly<Record<string, Way>> = {
  ours: { ...ours, title: "one Worker, concurrency 200" },
  prefork: { ...prefork, title: "Celery, prefork, a process for each core" },
  solo: { ...solo, title: "Celery, a solo worker for each core, prefetching 128" },
};
const ways: Readonly<Record<string, Way>> = Object.fromEntries(
  Object.entries(pools).flatMap(([name, way]) => [
    [name, way],
    [`${name}-results`, { ...way, results: true, title: `${way.title}; results kept` }],
  ]),
);

export const names: readonly string[] = Object.keys(ways);

export async function run(options: BenchOptions): Promise<Answer> {
  const redis = redisVersion();
  if (redis === undefined) return nothing("redis-server is not installed: apt install redis-server");
  const { python, versions } = findCelery("redis");
  if (versions === undefined)
    return nothing("Celery is not installed: apt install celery python3-celery python3-redis (or set PYTHON)");
  await using server = await RedisServer.start();
  const picked = names.filter((name) => options.only.size === 0 || options.only.has(name));
  const count = options.quick ? 500 : maxCeleryJobs;
  const samples = await interleave("P7", picked, options, (name) =>
    server.withDatabase((url) => runCelery(python, ways[name]!, url, count, server.pid)),
  );
  return {
    tables: [toTable(samples)],
    notes: [
      "Celery's own client adds the messages beforehand; the time goes from the start of the first job to that of the last, of workers that were ready. CPU is that of all processes of the workers. A job of a core is what a second of that CPU runs.",
    ],
    targets: toTargets(samples),
    skipped: [],
    data: {
      count,
      versions: { redis, ioredis: installedVersion("ioredis"), celery: versions },
      samples: Object.fromEntries(samples),
    },
  };
}

function toTable(samples: WorkSamples): Answer["tables"][number] {
  const middle = (name: string, key: "cpuUs" | "serverCpuUs"): number =>
    median(samples.get(name)!.map((sample) => sample[key]!));
  return {
    title: "P7: running Celery's messages on Redis, jobs that do nothing",
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

function toTargets(samples: WorkSamples): readonly Target[] {
  return ["ours", "ours-results"].flatMap((name) =>
    ["prefork", "solo"].flatMap((pool) => {
      const base = baseOf(name, pool);
      const ratio = coreRatio(samples, name, base);
      if (ratio === undefined) return [];
      const text = `P7 at least 5 × the jobs of a core: ${ways[name]!.title}, against ${ways[base]!.title}`;
      return [{ text, value: ratio.toFixed(2), isMet: ratio >= 5 }];
    }),
  );
}

/** The pool that does the same with results. */
function baseOf(name: string, pool: string): string {
  return ways[name]!.results ? `${pool}-results` : pool;
}

/** The median of the ratios within each round, of jobs for each second of CPU. */
function coreRatio(samples: WorkSamples, name: string, base: string): number | undefined {
  const cpuOf = (of: string): number[] => samples.get(of)!.map(({ cpuUs }) => cpuUs);
  return samples.has(name) && samples.has(base) ? medianRatio(cpuOf(base), cpuOf(name)) : undefined;
}

function nothing(why: string): Answer {
  return { tables: [], notes: [], targets: [], skipped: [skipped(why)], data: {} };
}
