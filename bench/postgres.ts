// How near does the PostgreSQL broker come to pg-boss by itself, and how soon do its jobs run?
import { toPostgresConfig } from "../src/brokers/postgres/options.ts";
import { PostgresStore } from "../src/brokers/postgres/postgres-store.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { PostgresServer, tidyDatabase } from "./lib/postgres-server.ts";
import { nothing, type Answer, type Target } from "./lib/question.ts";
import {
  addingBatches,
  addingOneByOne,
  askServer,
  namesOf,
  running,
  type JobServer,
  type ServerWay,
} from "./lib/server-question.ts";
import { latencyWaysBeside, type LatencyWay } from "./lib/start-latency.ts";
import { toRatioTarget, type WorkSamples } from "./lib/work-table.ts";

const ways: Readonly<Record<string, ServerWay<JobServer>>> = {
  "bare-add": {
    title: "add: boss.insert(), batches of 100, 4 at once",
    base: "bare-add",
    go: addingBatches("pg-boss"),
  },
  "broker-add": { title: "add: the broker, the same batches", base: "bare-add", go: addingBatches("broker") },
  "bare-each": { title: "add: boss.send(), 1,000 callers at once", base: "bare-each", go: addingOneByOne("pg-boss") },
  "task-each": { title: "add: task.enqueue(), the same", base: "bare-each", go: addingOneByOne("broker") },
  "graphile-each": { title: "add: addJob(), the same", base: "bare-each", go: addingOneByOne("graphile") },
  "bare-run": { title: "run: boss.work(), 2 batches of 100 at once", base: "bare-run", go: running("pg-boss") },
  "bare-results": { title: "the same, perJobResults", base: "bare-run", go: running("pg-boss-results") },
  "graphile-run": {
    title: "run: graphile-worker, concurrency 200, local queue",
    base: "bare-run",
    go: running("graphile"),
  },
  "worker-run": { title: "run: Worker, concurrency 200", base: "bare-run", go: running("broker") },
};

/** So many jobs a second pg-boss takes one by one where its workers are notified, with time to spare. */
const slow = 250;

const latencyWays: Readonly<Record<string, LatencyWay>> = {
  ...latencyWaysBeside({ call: "boss.send()", engine: "pg-boss-notify" }, slow),
  "fast-same": { title: "task.enqueue() in the worker's process", engine: "broker", isOther: false, perSecond: 1_000 },
  "fast-other": { title: "task.enqueue() in another process", engine: "broker", isOther: true, perSecond: 1_000 },
};

export const names: readonly string[] = namesOf({ ways, latencyWays });

export async function run(options: BenchOptions): Promise<Answer> {
  const connected = await PostgresServer.connect();
  if (typeof connected === "string") return nothing(connected);
  await using server = connected;
  const { version, synchronousCommit, fsync } = server.settings;
  const answer = await askServer(
    {
      ways,
      latencyWays,
      durability: `synchronous_commit=${synchronousCommit}, fsync=${fsync}`,
      notes: [
        "pg-boss fetches and ends batches, without waiting while they are full, and the table was analyzed after it was filled. A batch of it has one outcome, and keeps no results; with perJobResults each job has its own, as ours have. Where it is asked how soon jobs start, its workers are woken by notifications.",
      ],
      tidy: (url) => tidyDatabase(url),
      toStore: (url) => new PostgresStore(toPostgresConfig(url)),
      toTargets,
    },
    server,
    options,
  );
  const packages = ["pg", "pg-boss", "graphile-worker"].map((name) => [name, installedVersion(name)]);
  return {
    ...answer,
    skipped: [],
    data: { versions: { postgres: version, ...Object.fromEntries(packages) }, ...(answer.data as object) },
  };
}

function toTargets(samples: WorkSamples): readonly Target[] {
  return [
    ...toRatioTarget(samples, "broker-add", "bare-add", 0.9, "P6 add in batches at least 0.9 × pg-boss"),
    ...toRatioTarget(samples, "task-each", "bare-each", 0.9, "P6 add one by one at least 0.9 × pg-boss"),
    ...toRatioTarget(samples, "worker-run", "bare-run", 0.9, "P6 run at least 0.9 × pg-boss"),
  ];
}
