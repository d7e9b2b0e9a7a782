import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { type describe, expect, onTestFinished, test } from "vitest";
import { startChild, type ChildApp } from "../support/child-app.ts";
import { startCli } from "../support/cli.ts";
import { takeRedisDatabase } from "../support/redis-database.ts";
import { postgresUrl, withPostgres, withRedis } from "../support/test-servers.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

const app = fileURLToPath(new URL("../../examples/cluster/app.ts", import.meta.url));
const worker = new URL("../../examples/cluster/worker.ts", import.meta.url);
const leaseMs = 1_500;
const jobs = 40;

/** A server, and a place on it that is the test's own. */
interface Engine {
  readonly name: string;
  /** Skips, and says so, where there is no such server. */
  readonly describe: typeof describe;
  /** The address of an empty place, which is deleted after the test. */
  createPlace(): Promise<string>;
}

const redis: Engine = {
  name: "Redis",
  describe: withRedis,
  createPlace: takeRedisDatabase,
};

const postgres: Engine = {
  name: "PostgreSQL",
  describe: withPostgres,
  async createPlace() {
    const name = `afterword_cluster_${process.pid}_${Date.now()}`;
    await askPostgres((client) => client.query(`CREATE DATABASE ${name}`));
    onTestFinished(async () => {
      await askPostgres((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    });
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    return url.href;
  },
};

async function askPostgres<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The videos that a worker has begun, and those that it has ended. */
function work(child: ChildApp): { readonly begun: string[]; readonly ended: string[] } {
  const find = (pattern: RegExp): string[] => Array.from(child.stdout.matchAll(pattern), ([, video]) => video!);
  return { begun: find(/^(\S+) starts$/gm), ended: find(/^(\S+) is done$/gm) };
}

async function serve(env: Readonly<Record<string, string>>): Promise<{ child: ChildApp; url: string }> {
  const child = startCli(["run", app, "--host", "127.0.0.1", "--port", "0"], { env });
  const line = await child.line(/http:\/\/127\.0\.0\.1:\d+/, 30_000);
  return { child, url: line };
}

interface Shown {
  readonly status: string;
  readonly result?: { readonly video: string; readonly by: string };
}

async function show(url: string, location: string): Promise<Shown> {
  const response = await fetch(url + location);
  expect(response.status).toBe(200);
  return (await response.json()) as Shown;
}

for (const engine of [redis, postgres])
  engine.describe(`the cluster on ${engine.name}`, () => {
    test("loses no job of two apps when one of three workers is killed", { timeout: 120_000 }, async () => {
      const env = { AFTERWORD_BROKER: await engine.createPlace(), STEP_MS: "250" };
      // All at once, on an empty place: whoever comes first makes the tables.
      const victim = startChild(worker, { env: { ...env, LEASE_MS: String(leaseMs) } });
      const survivors = [1, 2].map(() => startCli(["worker", app, "--concurrency", "4"], { env }));
      const [first, second] = await Promise.all([serve(env), serve(env)]);
      for (const child of [victim, ...survivors]) await child.line(/^Worker ready/m, 30_000);

      const locations = await Promise.all(
        Array.from({ length: jobs }, async (_, index) => {
          const video = `v${index + 1}.mp4`;
          const [here, other] = index % 2 === 0 ? [first, second] : [second, first];
          const response = await fetch(`${here.url}/videos/${video}`, { method: "POST" });
          expect(response.status).toBe(202);
          return { video, location: response.headers.get("location")!, other };
        }),
      );

      const inHand = (): string[] => {
        const { begun, ended } = work(victim);
        return begun.filter((video) => !ended.includes(video));
      };
      await waitUntil(() => inHand().length >= 2, { withinMs: 20_000, what: "the worker runs jobs" });
      await victim.kill();
      const orphans = inHand();
      expect(orphans.length).toBeGreaterThan(0);
      const begunElsewhere = (): string[] => survivors.flatMap((child) => work(child).begun);
      // One lease later, and far sooner than the default lease of the others.
      await waitUntil(() => orphans.every((video) => begunElsewhere().includes(video)), {
        withinMs: 15_000,
        what: "the jobs of the killed worker run elsewhere",
      });

      for (const { video, location, other } of locations) {
        await waitUntil(async () => (await show(other.url, location)).status === "succeeded", { withinMs: 30_000 });
        expect((await show(other.url, location)).result?.video).toBe(video);
      }
      const overview = (await (await fetch(first.url)).json()) as { queues: unknown[]; workers: unknown[] };
      expect(overview.queues).toEqual([
        expect.objectContaining({ queued: 0, running: 0, scheduled: 0, succeeded: jobs, failed: 0 }),
      ]);
      // What the killed worker had in its hands, or had not yet reported, was begun twice, and nothing else.
      const again = begunElsewhere().filter((video) => work(victim).begun.includes(video));
      expect(again).toEqual(expect.arrayContaining(orphans));
      expect(new Set(begunElsewhere()).size).toBe(begunElsewhere().length);

      const children = [first.child, second.child, ...survivors];
      for (const child of children) child.signal("SIGTERM");
      for (const child of children) expect(await child.exit(20_000)).toMatchObject({ code: 0 });
    });
  });
