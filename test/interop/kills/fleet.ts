import { Client, remoteTask, type JobHandle } from "afterword";
import { celery, type CeleryOptions } from "afterword/celery";
import { Redis } from "ioredis";
import { endChildren, startChild, type ChildApp } from "../../support/child-app.ts";
import { endPythons, startPython, type PythonProcess } from "../../support/python.ts";
import { redisUrl } from "../../support/test-servers.ts";
import { waitUntil } from "../../support/wait-until.ts";

/** What a worker has noted down. */
export interface Note {
  readonly id: string;
  readonly what: "begun" | "ended";
  readonly by: Victim["kind"];
  /** The process id of the worker, and of the process of its pool that runs the job. */
  readonly worker: number;
  readonly pid: number;
}

/** A worker of either kind, which can be killed. */
export interface Victim {
  readonly kind: "ours" | "prefork" | "solo";
  readonly pid: number;
  kill(): Promise<void>;
}

const run = remoteTask<[seconds: number], string>("kills.run", { queue: "kills" });
const folder = new URL("./", import.meta.url);

/** Workers of both kinds on one queue, and a ledger of what they do. */
export class Fleet {
  /** Where results and the ledger are. */
  readonly redisUrl: string;
  readonly redis: Redis;
  /** The results that were published, in order. */
  readonly published: { readonly id: string; readonly status: string; readonly result: unknown }[] = [];
  readonly #watcher: Redis;
  #client: Client | undefined;

  constructor(database: number) {
    this.redisUrl = Object.assign(new URL(redisUrl), { pathname: `/${database}` }).href;
    this.redis = new Redis(this.redisUrl, { lazyConnect: true });
    this.#watcher = new Redis(this.redisUrl, { lazyConnect: true });
  }

  /** What `celery()` is given, by us and by our workers. */
  get place(): CeleryOptions & { readonly url: string } {
    return { url: this.redisUrl };
  }

  async open(): Promise<void> {
    await this.redis.connect();
    await this.redis.flushdb();
    await this.#watcher.connect();
    this.#watcher.on("pmessage", (_pattern, channel: string, text: string) => {
      const { status, result } = JSON.parse(text) as { status: string; result: unknown };
      this.published.push({ id: channel.slice("celery-task-meta-".length), status, result });
    });
    await this.#watcher.psubscribe("celery-task-meta-*");
    this.#client = new Client({ broker: celery(this.place) });
    await this.#client.open();
  }

  async endWorkers(): Promise<void> {
    await endChildren();
    await endPythons();
  }

  /** Ends all workers and forgets everything. */
  async clear(): Promise<void> {
    await this.endWorkers();
    await this.redis.flushdb();
    this.published.length = 0;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#watcher.disconnect();
    this.redis.disconnect();
  }

  async send(count: number, seconds: number): Promise<readonly JobHandle<string>[]> {
    return this.#client!.run(() => Promise.all(Array.from({ length: count }, () => run.enqueue(seconds))));
  }

  /** @param options - milliseconds */
  async startOurs(options: { lease?: number; visibility?: number; slots?: number } = {}): Promise<Victim> {
    const { lease = 2_000, visibility, slots = 3 } = options;
    const others = visibility === undefined ? {} : { visibilityTimeout: visibility };
    const child: ChildApp = startChild(new URL("worker.ts", import.meta.url), {
      args: [JSON.stringify({ ...this.place, ...others }), this.redisUrl, String(lease), String(slots)],
    });
    const line = await child.line(/^started \d+$/m, 30_000);
    return { kind: "ours", pid: Number(line.split(" ")[1]), kill: () => child.kill() };
  }

  async startCelery(kind: "prefork" | "solo", settings: Readonly<Record<string, unknown>>): Promise<Victim> {
    const { url } = this.place;
    const CELERY_SETTINGS = JSON.stringify(settings);
    const python: PythonProcess = startPython(
      [
        "-m",
        "celery",
        "-A",
        "kills",
        "worker",
        "-P",
        kind,
        "-c",
        kind === "solo" ? "1" : "2",
        "-Q",
        "kills",
        "-n",
        `${kind}${Math.random()}@%h`,
        "-l",
        "INFO",
      ],
      { cwd: folder, env: { CELERY_URL: url, CELERY_RESULTS: this.redisUrl, CELERY_KIND: kind, CELERY_SETTINGS } },
    );
    await python.prints(/ ready\./, 40_000);
    return { kind, pid: python.pid, kill: () => python.end("SIGKILL") };
  }

  /**
   * Kills a worker while all of its slots are in the middle of jobs, which it holds for that: one of Celery's that is about to take
   * a message loses it, whatever its settings (kombu pops it, and notes down in a second step that it has).
   */
  async killFull(victim: Victim): Promise<void> {
    await this.redis.set("hold", "1");
    const slots = victim.kind === "prefork" ? 2 : 1;
    let before: readonly string[] = [];
    let since = 0;
    await waitUntil(
      async () => {
        const ids = (await this.running(victim)).map(({ id }) => id);
        // One whose time was over as the hold began is not seen twice.
        if (ids.join() !== before.join() || since === 0) since = performance.now();
        before = ids;
        return ids.length >= slots && performance.now() - since > 300;
      },
      { withinMs: 30_000, what: `${slots} jobs run in ${victim.kind}` },
    );
    await victim.kill();
    await this.redis.del("hold");
  }

  /** What is known of a job, for people. */
  async describe(id: string): Promise<string> {
    const notes = (await this.notes()).filter((note) => note.id === id);
    const unacked = Object.values(await this.redis.hgetall("unacked")).filter((text) => text.includes(id)).length;
    const waiting = (await this.redis.lrange("kills", 0, -1)).filter((text) => text.includes(id)).length;
    const record = await this.redis.hgetall(`afterword-job-${id}`);
    const delayed = (await this.redis.zrange("kills:delayed", "0", "-1")).filter((text) => text.includes(id)).length;
    const result = await this.redis.get(`celery-task-meta-${id}`);
    return JSON.stringify({ id, notes, unacked, waiting, delayed, result, record: { ...record, job: undefined } });
  }

  /** Ends what runs, and at once what comes. */
  async letGo(): Promise<void> {
    await this.redis.set("let go", "1");
  }

  async notes(): Promise<readonly Note[]> {
    return (await this.redis.lrange("ledger", 0, -1)).map((text) => JSON.parse(text) as Note);
  }

  /** What has begun in a worker and has not ended there. */
  async running({ pid }: Victim): Promise<readonly Note[]> {
    const notes = (await this.notes()).filter(({ worker }) => worker === pid);
    const ended = new Set(notes.filter(({ what }) => what === "ended").map(({ id }) => id));
    return notes.filter(({ id, what }) => what === "begun" && !ended.has(id));
  }

  async untilRunning(worker: Victim, count = 1): Promise<readonly Note[]> {
    let running: readonly Note[] = [];
    await waitUntil(async () => (running = await this.running(worker)).length >= count, {
      withinMs: 30_000,
      what: `${count} jobs run in ${worker.kind}`,
    });
    return running;
  }

  /** How long ago the last sign of life was given of what workers have, in milliseconds. */
  async silentMs(): Promise<number> {
    const [, score] = await this.redis.zrange("unacked_index", "-1", "-1", "WITHSCORES");
    return Date.now() - Number(score) * 1_000;
  }

  async begun(): Promise<readonly Note[]> {
    return (await this.notes()).filter(({ what }) => what === "begun");
  }

  /** Messages that wait for a worker. */
  waiting(): Promise<number> {
    return this.redis.llen("kills");
  }

  /** Messages that wait, or are with a worker. */
  async unfinished(): Promise<number> {
    const [waiting, delayed, unacked] = await Promise.all([
      this.redis.llen("kills"),
      this.redis.zcard("kills:delayed"),
      this.redis.hlen("unacked"),
    ]);
    return waiting + delayed + unacked;
  }
}
