import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bindingMember } from "../../src/celery/redis-keys.ts";
import { withCelery } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";
import { Fleet, type Victim } from "./kills/fleet.ts";
import { killOneAfterAnother } from "./kills/one-after-another.ts";

const patience = { timeout: "50s" } as const;
/** Milliseconds. */
const lease = 2_000;
const visibility = 3_000;

/** Celery as it must be set to lose nothing; and what a worker has that dies comes back soon. */
const safe = {
  task_acks_late: true,
  task_reject_on_worker_lost: true,
  broker_transport_options: { visibility_timeout: visibility / 1_000 },
} as const;

withCelery("workers that are killed, of Celery's and ours on one queue", { timeout: 120_000 }, () => {
  const fleet = new Fleet(13);
  beforeAll(() => fleet.open());
  afterEach(() => fleet.clear());
  afterAll(() => fleet.close());

  it("ends every job once, whoever is killed in the middle of it", async () => {
    const start: Readonly<Record<Victim["kind"], () => Promise<Victim>>> = {
      ours: () => fleet.startOurs({ visibility }),
      prefork: () => fleet.startCelery("prefork", safe),
      solo: () => fleet.startCelery("solo", safe),
    };
    const orders = ["ours", "prefork", "ours", "solo", "ours"] as const;
    console.log(await killOneAfterAnother(fleet, start, orders));
  });

  it("gives the jobs of a killed worker of ours to another of ours when the lease is over", async () => {
    const first = await fleet.startOurs({ lease });
    const jobs = await fleet.send(3, 60);
    await fleet.untilRunning(first, 3);
    await fleet.startOurs({ lease });
    const killedMs = performance.now();
    await first.kill();
    await waitUntil(async () => (await fleet.begun()).length === 6, { withinMs: 20_000 });
    const tookMs = performance.now() - killedMs;
    console.log(`Jobs of a killed worker with a lease of ${lease} ms began again after ${Math.round(tookMs)} ms`);
    // Its last sign of life was a third of the lease ago at most, or it was late.
    expect(tookMs).toBeGreaterThan(lease / 3);
    expect(tookMs).toBeLessThan(lease + 8_000);
    await fleet.letGo();
    for (const job of jobs) expect(await job.result(patience)).toBe("by ours");
    expect(await fleet.unfinished()).toBe(0);
  });

  it("leaves the jobs of a killed worker of ours to Celery's, after the visibility timeout", async () => {
    const first = await fleet.startOurs();
    const jobs = await fleet.send(3, 60);
    await fleet.untilRunning(first, 3);
    await first.kill();
    // A worker of Celery's looks when it starts, and then about once in 100 seconds.
    await waitUntil(async () => (await fleet.silentMs()) > visibility, { withinMs: 20_000 });
    await fleet.startCelery("solo", safe);
    await fleet.letGo();
    for (const job of jobs) expect(await job.result(patience)).toBe("by solo");
    await waitUntil(async () => (await fleet.unfinished()) === 0, { withinMs: 20_000 });
  });

  it("takes over what a killed worker of Celery's had that acknowledges late, after the visibility timeout", async () => {
    const victim = await fleet.startCelery("prefork", safe);
    const jobs = await fleet.send(2, 60);
    await fleet.untilRunning(victim, 2);
    await victim.kill();
    await fleet.untilRunning(await fleet.startOurs({ visibility }), 2);
    await fleet.letGo();
    for (const job of jobs) expect(await job.result(patience)).toBe("by ours");
    await waitUntil(async () => (await fleet.unfinished()) === 0, { withinMs: 20_000 });
  });

  it("gives back what came through an exchange to its queue, and sets aside what nobody can give back", async () => {
    const envelope = (id: string): string =>
      JSON.stringify({
        body: Buffer.from(JSON.stringify([[60], {}, {}])).toString("base64"),
        headers: { id, task: "kills.run" },
        properties: {
          delivery_tag: `tag of ${id}`,
          delivery_info: { exchange: "media", routing_key: "media.video" },
          body_encoding: "base64",
        },
      });
    const { redis } = fleet;
    await redis.sadd("_kombu.binding.media", bindingMember("media.video", "kills"));
    // A worker of Celery's died with these long ago.
    for (const [tag, entry] of [
      ["one", `[${envelope("theirs")}, "media", "media.video"]`],
      ["two", "no JSON"],
      ["three", Buffer.from("\u00ff\u00fe", "latin1")],
    ] as const) {
      await redis.hset("unacked", tag, entry);
      await redis.zadd("unacked_index", 1_000, tag);
    }
    await redis.zadd("unacked_index", 1_000, "four, of which there is nothing else");
    await redis.lpush("kills", envelope("ours"));
    const first = await fleet.startOurs({ lease });
    await fleet.untilRunning(first, 2);
    await first.kill();
    await fleet.untilRunning(await fleet.startOurs({ lease }), 2);
    await fleet.letGo();
    await waitUntil(async () => fleet.published.filter(({ status }) => status === "SUCCESS").length === 2, {
      withinMs: 20_000,
    });
    expect(await fleet.unfinished()).toBe(0);
    expect(await redis.zcard("unacked_index")).toBe(0);
    expect(await redis.llen("celery:dead")).toBe(2);
  });

  it("runs again what one process of Celery's pool had that was killed", async () => {
    const worker = await fleet.startCelery("prefork", safe);
    const [job] = await fleet.send(1, 60);
    const [note] = await fleet.untilRunning(worker);
    process.kill(note!.pid, "SIGKILL");
    await waitUntil(async () => (await fleet.begun()).length === 2, { withinMs: 20_000 });
    await fleet.letGo();
    expect(await job!.result(patience)).toBe("by prefork");
  });

  it("keeps from Celery's workers what ours run, longer than the visibility timeout", async () => {
    const worker = await fleet.startOurs({ slots: 1 });
    const [job] = await fleet.send(1, 60);
    await fleet.untilRunning(worker);
    const startedMs = performance.now();
    await waitUntil(() => performance.now() - startedMs > visibility, { withinMs: 20_000 });
    await fleet.startCelery("solo", safe);
    // What is Celery's own runs there: it has looked for what others left.
    const [other] = await fleet.send(1, 0);
    expect(await other!.result(patience)).toBe("by solo");
    await fleet.letGo();
    expect(await job!.result(patience)).toBe("by ours");
    expect((await fleet.begun()).map(({ by }) => by)).toEqual(["ours", "solo"]);
  });

  it("cannot give back what Celery's worker has lost that acknowledges early, as it does by default", async () => {
    const victim = await fleet.startCelery("prefork", { broker_transport_options: { visibility_timeout: 1 } });
    const [job] = await fleet.send(1, 60);
    await fleet.untilRunning(victim);
    await waitUntil(async () => (await fleet.unfinished()) === 0);
    await victim.kill();
    await fleet.letGo();
    await fleet.startOurs({ visibility: 1_000 });
    const [other] = await fleet.send(1, 0);
    expect(await other!.result(patience)).toBe("by ours");
    // There is nothing left that could come back.
    expect(await fleet.unfinished()).toBe(0);
    expect((await fleet.begun()).map(({ by }) => by)).toEqual(["prefork", "ours"]);
    expect(await job!.status()).not.toBe("succeeded");
  });
});
