import { randomUUID } from "node:crypto";
import { expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/brokers/postgres/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import { createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withPgBouncer } from "../support/test-servers.ts";
import { PgBouncer } from "./fixtures/pgbouncer.ts";
import { createDatabase, urlOf } from "./postgres-setup.ts";

withPgBouncer("PgBouncer in session mode, between the broker and PostgreSQL", () => {
  it("passes on jobs, endings and notifications", { timeout: 30_000 }, async () => {
    const { name, drop } = await createDatabase();
    onTestFinished(drop);
    const bouncer = await PgBouncer.start(new URL(urlOf(name)));
    onTestFinished(() => bouncer.stop());
    const open = async (): Promise<Broker> => {
      const broker = postgres(urlOf(name, bouncer.port));
      await broker.open();
      onTestFinished(() => broker.close());
      return broker;
    };
    const [one, other] = [await open(), await open()];
    const heard = new Set<string>();
    onTestFinished(one.subscribe((ids) => ids?.forEach((id) => heard.add(id))));
    const worker = { id: randomUUID(), host: "here", pid: process.pid, queues: ["default"], slots: 4 };
    const options = { worker, slots: 4, queues: ["default"], leaseMs: 30_000, maxDeliveries: 3, onError: () => {} };
    const consumer = one.consume(options, () => ({ status: "succeeded", result: "1" }));
    const jobs = createSampleJobs(50);
    await other.enqueue({ jobs });
    await waitUntil(
      async () => (await other.get({ ids: jobs.map(({ id }) => id) })).every((job) => job?.status === "succeeded"),
      10_000,
      "all have succeeded",
    );
    expect(heard).toEqual(new Set(jobs.map(({ id }) => id)));
    await consumer.close();
  });
});
