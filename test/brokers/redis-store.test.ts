import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { risksOf } from "../../src/brokers/redis/durability.ts";
import { redis, type RedisOptions } from "../../src/brokers/redis/index.ts";
import { toRedisConfig } from "../../src/brokers/redis/options.ts";
import { RedisStore } from "../../src/brokers/redis/redis-store.ts";
import { createSampleJob, createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withRedis } from "../support/test-servers.ts";
import { Proxy } from "../support/proxy.ts";
import { deleteKeys, serverUrl } from "./redis-setup.ts";

async function openStore(options: RedisOptions = { url: serverUrl }): Promise<RedisStore> {
  const prefix = `test-${randomUUID()}`;
  const store = new RedisStore(toRedisConfig({ ...options, prefix }, {}));
  await store.open();
  onTestFinished(async () => {
    await store.close();
    await deleteKeys(prefix);
  });
  return store;
}

withRedis("the store of redis", () => {
  it("takes over the options of a connection, and leaves it alone", async () => {
    const { hostname: host, port } = new URL(serverUrl);
    const connection = new Redis({ host, port: Number(port), lazyConnect: true });
    const store = await openStore({ connection });
    const job = createSampleJob();
    await store.enqueue({ jobs: [job] });
    expect((await store.get({ ids: [job.id] }))[0]?.id).toBe(job.id);
    expect(connection.status).toBe("wait");
  });

  it("refuses to open on a database that the server has not, where ioredis would go on in database 0", async () => {
    const url = new URL(serverUrl);
    url.pathname = "/1000000";
    await expect(redis(url.href).open()).rejects.toMatchObject({
      code: "broker_open_failed",
      message: expect.stringContaining("DB index is out of range") as string,
    });
    const { hostname: host, port } = url;
    await expect(redis({ connection: { host, port: Number(port), db: 1_000_000 } }).open()).rejects.toThrow(
      "DB index is out of range",
    );
  });

  it("stores what is handed over in one turn with one call, each with its own answer", async () => {
    const store = await openStore();
    const [first, second] = createSampleJobs(2, { uniqueKey: "k" });
    const answers = await Promise.all([store.enqueue({ jobs: [first!] }), store.enqueue({ jobs: [second!] })]);
    expect(answers).toEqual([[{ id: first!.id, isDuplicate: false }], [{ id: first!.id, isDuplicate: true }]]);
  });

  it("refuses one of two that are handed over together when there is room for one", async () => {
    const store = await openStore({ url: serverUrl, maxQueued: 2 });
    const [stored, refused] = await Promise.allSettled([
      store.enqueue({ jobs: createSampleJobs(2) }),
      store.enqueue({ jobs: createSampleJobs(1) }),
    ]);
    expect(stored.status).toBe("fulfilled");
    expect((refused as PromiseRejectedResult).reason).toMatchObject({ code: "queue_full" });
  });

  it("stores a batch of many thousands", async () => {
    const store = await openStore();
    const jobs = createSampleJobs(10_000);
    expect(await store.enqueue({ jobs })).toHaveLength(10_000);
    expect((await store.counts())[0]?.queued).toBe(10_000);
  });

  it("keeps half a surrogate pair from stopping a worker", async () => {
    const store = await openStore();
    const job = createSampleJob({ args: '["\ud800"]' });
    await store.enqueue({ jobs: [job] });
    const [claimed] = (
      await store.claim({ worker: "w", queues: ["default"], count: 1, leaseMs: 30_000, maxDeliveries: 3 })
    ).jobs;
    const { id, epoch } = claimed!;
    await store.report({ reports: [{ id, epoch, progress: { value: 1, note: "\ud800" }, log: ["\ud800"] }] });
    const error = { name: "Error", message: "\ud800 broke", stack: "\udfff" };
    expect(await store.finish({ endings: [{ id, epoch, ending: { status: "failed", error } }] })).toEqual([true]);
    expect((await store.get({ ids: [id] }))[0]?.error?.message).toContain("broke");
  });

  it("hears of changes again after its connection for hints was silent", async () => {
    const { hostname: host, port } = new URL(serverUrl);
    const proxy = await Proxy.open({ host, port: Number(port) });
    onTestFinished(() => proxy.close());
    const store = await openStore({ url: proxy.url });
    let told = 0;
    const stop = store.subscribe(() => told++);
    await waitUntil(() => told > 0, 5_000, "it listens");
    proxy.silence();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    proxy.restore();
    await waitUntil(
      () =>
        store.enqueue({ jobs: [createSampleJob()] }).then(
          () => true,
          () => false,
        ),
      5_000,
      "it stores again",
    );
    const before = told;
    await store.enqueue({ jobs: [createSampleJob()] });
    await waitUntil(() => told > before, 5_000, "it hears of a change");
    stop();
  });
});

withRedis("redis()", () => {
  it.each([
    [() => redis("http://x"), /redis:\/\/ or rediss:\/\//],
    [() => redis(7 as never), /URL such as/],
    [() => redis("redis://x", { prefx: "a" } as never), /no option "prefx".*url, connection, prefix, maxQueued/],
    [() => redis("redis://x/abc"), /number of a database.*got 'abc'/],
    [() => redis("redis://x?db=-1"), /number of a database.*got '-1'/],
    [() => redis("redis://x", { prefix: "a:b" }), /without colons/],
    [() => redis("redis://x", { maxQueued: -1 }), /0 or more/],
    [() => redis({ connection: 7 as never }), /ioredis/],
    [() => redis({ connection: { keyPrefix: "p" } }), /prefix to redis\(\)/],
  ])("says early what is wrong with an option (%#)", (declare, message) => {
    expect(declare).toThrow(message);
  });

  it("never shows the password of a URL", () => {
    expect(toRedisConfig("redis://me:secret@host:6380/1", {}).address).toBe("host:6380");
    expect(() => redis("http://me:secret@host")).toThrow(/^(?!.*secret)/);
  });

  it("says what the promise rests on when keys may be evicted or nothing is logged to the disk", () => {
    expect(risksOf("maxmemory_policy:noeviction\r\naof_enabled:1\r\n")).toEqual([]);
    const risks = risksOf("maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n");
    expect(risks).toHaveLength(2);
    expect(risks[0]).toContain("noeviction");
    expect(risks[1]).toContain("appendonly yes");
  });
});
