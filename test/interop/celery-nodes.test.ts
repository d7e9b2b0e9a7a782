import { hostname } from "node:os";
import { celery } from "afterword/celery";
import { Worker } from "afterword";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bindingMember } from "../../src/celery/redis-keys.ts";
import { redisUrl, withRedis } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Celery's keys have no prefix: these tests have a database of their own. */
const url = Object.assign(new URL(redisUrl), { pathname: "/13" }).href;
const nodes = "_kombu.binding.celery.pidbox";
const ours = bindingMember("", `ours@${hostname()}.celery.pidbox`);

withRedis("the list of Celery's nodes in Redis", () => {
  const redis = new Redis(url, { lazyConnect: true });
  beforeAll(async () => {
    await redis.connect();
    await redis.flushdb();
  });
  afterAll(async () => {
    await redis.flushdb();
    redis.disconnect();
  });

  it("loses those that were killed long ago, and a worker that has closed", async () => {
    const dead = bindingMember("", "dead@host.celery.pidbox");
    const python = bindingMember("", "python@host.celery.pidbox");
    await redis.sadd(nodes, dead, python);
    await redis.zadd("afterword-nodes", Date.now() - 1, dead);
    const worker = new Worker({ broker: celery(url, { name: "ours" }), queues: ["images"] });
    await worker.start();
    await waitUntil(async () => (await redis.sismember(nodes, ours)) === 1);
    expect((await redis.smembers(nodes)).toSorted()).toEqual([ours, python].toSorted());
    await worker.close();
    expect(await redis.smembers(nodes)).toEqual([python]);
    expect(await redis.exists("afterword-nodes")).toBe(0);
  });
});
