// What the options of a task do for whoever uses the public API. The deep cases are in test/brokers.
import { exponential, task } from "afterword";
import { describe, expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openWorkplace } from "../support/jobs.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { atLeast, waitUntil } from "../support/wait-until.ts";

keepTidy();

describe.each(embeddedBrokers)("on $name", (kind) => {
  test("uniqueKey makes a second call the first one's handle until that has ended", async () => {
    await using at = await openWorkplace(kind);
    const gate = createGate();
    let calls = 0;
    const charge = task("o.charge", { uniqueKey: (order: string) => order }, async (order: string) => {
      calls++;
      await gate.opened;
      return order;
    });
    const first = await charge.enqueue("a");
    const second = await charge.enqueue("a");
    const other = await charge.with({ uniqueKey: "b" }).enqueue("a");
    expect(second.id).toBe(first.id);
    expect(other.id).not.toBe(first.id);
    await waitUntil(() => at.worker.running === 2);
    expect((await charge.enqueue("a")).id).toBe(first.id);
    gate.open();
    expect(await second.result({ timeout: "10s" })).toBe("a");
    await other.done;
    expect(calls).toBe(2);
    const next = await charge.enqueue("a");
    expect(next.id).not.toBe(first.id);
    expect((await next.done).status).toBe("succeeded");
  });

  test("priority goes before age, and age decides within one", async () => {
    await using at = await openWorkplace(kind, { concurrency: 1 });
    const gate = createGate();
    const recorder = new Recorder();
    const block = task("o.block", () => gate.opened);
    const note = task("o.note", async (name: string) => recorder.add(name));
    await block.enqueue();
    await waitUntil(() => at.worker.running === 1);
    await note.with({ priority: 0 }).enqueue("low");
    await note.enqueue("first");
    await note.enqueue("second");
    await note.with({ priority: 9 }).enqueue("high");
    gate.open();
    await recorder.when("low");
    expect(recorder.events).toEqual(["high", "first", "second", "low"]);
  });

  test("delay keeps a job scheduled so long", async () => {
    await using _ = await openWorkplace(kind);
    const now = task("o.now", async () => Date.now());
    const handle = await now.with({ delay: 120 }).enqueue();
    expect(await handle.status()).toBe("scheduled");
    const { storedAt } = (await handle.info())!;
    expect((await handle.result({ timeout: "10s" })) - storedAt).toBeGreaterThanOrEqual(atLeast(120));
  });

  test("expires ends a job that was not started in time", async () => {
    await using at = await openWorkplace(kind, { concurrency: 1 });
    const gate = createGate();
    const block = task("o.block-more", () => gate.opened);
    const note = task("o.expiring", async () => "never");
    await block.enqueue();
    await waitUntil(() => at.worker.running === 1);
    const handle = await note.with({ expires: 50 }).enqueue();
    expect((await handle.done).status).toBe("expired");
    await expect(handle.result()).rejects.toMatchObject({ code: "expired" });
  });

  test("maxRunning holds for all jobs of a task", async () => {
    await using _ = await openWorkplace(kind, { concurrency: 10 });
    let running = 0;
    let most = 0;
    const scarce = task("o.scarce", { maxRunning: 2 }, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
    });
    const handles = await Promise.all(Array.from({ length: 7 }, () => scarce.enqueue()));
    for (const handle of handles) expect((await handle.done).status).toBe("succeeded");
    expect(most).toBe(2);
  });

  test("rateLimit holds for all starts of a task", async () => {
    await using _ = await openWorkplace(kind, { concurrency: 10 });
    const limited = task("o.limited", { rateLimit: { limit: 2, per: 250 } }, async () => {});
    const handles = await Promise.all(Array.from({ length: 5 }, () => limited.enqueue()));
    const startedAt: number[] = [];
    for (const handle of handles) {
      await handle.done;
      startedAt.push((await handle.info())!.startedAt!);
    }
    startedAt.sort((a, b) => a - b);
    for (const index of [2, 3, 4])
      expect(startedAt[index]! - startedAt[index - 2]!).toBeGreaterThanOrEqual(atLeast(250));
  });

  test("queue decides which worker serves a job", async () => {
    await using at = await openWorkplace(kind, { queues: ["mail"] });
    const send = task("o.send", { queue: "mail" }, async () => "sent");
    const elsewhere = await send.with({ queue: "elsewhere" }).enqueue();
    expect(await (await send.enqueue()).result({ timeout: "10s" })).toBe("sent");
    expect(await elsewhere.status()).toBe("queued");
    expect((await at.broker.counts()).map(({ queue }) => queue)).toEqual(["elsewhere", "mail"]);
  });

  test("attempts, backoff and timeout of with() hold for that job only", async () => {
    await using _ = await openWorkplace(kind);
    const fail = task("o.fail", { attempts: 1 }, async () => {
      throw new Error("no");
    });
    const more = await fail.with({ attempts: 3, backoff: exponential({ base: "1ms" }) }).enqueue();
    const one = await fail.enqueue();
    await Promise.all([more.done, one.done]);
    expect((await more.info())!.failures).toHaveLength(3);
    expect((await one.info())!.failures).toHaveLength(1);
  });
});
