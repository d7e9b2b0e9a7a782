import { afterEach, expect, it, vi } from "vitest";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { Execute } from "../../tasks/delivery.ts";
import { PulledBroker } from "./pulled-broker.ts";
import { createNewJob } from "./new-job.fixture.ts";
import type { Store } from "./store.ts";
import { RiggedStore } from "./rigged-store.fixture.ts";

let rigged = new RiggedStore();
let broker = createBroker();
afterEach(async () => {
  rigged.restore();
  await broker.close();
  rigged = new RiggedStore();
  broker = createBroker();
});

function createBroker(): PulledBroker {
  return new PulledBroker({
    name: "rigged",
    load: async () => rigged.store,
    isDurable: false,
    supports: ["delay", "list"],
  });
}

function consume(execute: Execute): ReturnType<PulledBroker["consume"]> {
  const worker = { id: "w", host: "here", pid: 1, queues: ["default"], slots: 1 };
  return broker.consume(
    { worker, slots: 1, queues: ["default"], leaseMs: 30_000, maxDeliveries: 3, onError: () => {} },
    execute,
  );
}

it("says what it is", () => {
  expect(broker).toMatchObject({ name: "rigged", isEmbedded: true, isDurable: false });
  expect([...broker.supports]).toEqual(["delay", "list"]);
});

it("loads its store when it is first opened, and keeps it", async () => {
  const load = vi.fn<() => Promise<Store>>(async () => rigged.store);
  const lazy = new PulledBroker({ name: "lazy", load, isDurable: false, supports: [] });
  expect(() => lazy.subscribe(() => {})).toThrow(/lazy is not open/);
  expect(load).not.toHaveBeenCalled();
  await Promise.all([lazy.open(), lazy.open()]);
  const job = createNewJob();
  await lazy.enqueue({ jobs: [job] });
  await lazy.close();
  await lazy.open();
  expect(await lazy.get({ ids: [job.id] })).toEqual([expect.objectContaining({ id: job.id })]);
  expect(load).toHaveBeenCalledOnce();
  await lazy.close();
});

it("refuses to consume while it is not open", async () => {
  expect(() => consume(() => ({ status: "released" }))).toThrow(/rigged is not open/);
  await broker.open();
  await broker.close();
  expect(() => consume(() => ({ status: "released" }))).toThrow(/rigged is not open/);
});

it("rejects with broker_closed, which says so, while it is not open", async () => {
  const error = { code: "broker_closed", message: expect.stringContaining("rigged is not open") as string };
  await expect(broker.enqueue({ jobs: [createNewJob()] })).rejects.toMatchObject(error);
  await expect(broker.counts()).rejects.toMatchObject(error);
});

it("lets jobs that end while it is closed store others", async () => {
  await broker.open();
  const next = createNewJob({ queue: "elsewhere" });
  const first = createNewJob();
  let isRunning = false;
  consume(
    (delivery) =>
      new Promise((resolve) => {
        isRunning = true;
        delivery.onAbort = () =>
          void broker.enqueue({ jobs: [next] }).then(() => resolve({ status: "succeeded", result: "1" }));
      }),
  );
  await broker.enqueue({ jobs: [first] });
  await waitUntil(() => isRunning);
  await broker.close();
  const statuses = (await rigged.memory.get({ ids: [first.id, next.id] })).map((job) => job?.status);
  expect(statuses).toEqual(["succeeded", "queued"]);
});

it("closes its consumers once, and may be closed again", async () => {
  await broker.open();
  const consumer = consume(() => ({ status: "released" }));
  await Promise.all([consumer.close(), broker.close(), broker.close()]);
  await broker.close();
  expect(rigged.callsOf("leave")).toHaveLength(1);
  expect(rigged.subscribers).toBe(0);
});
