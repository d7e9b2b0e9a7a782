import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { task, Worker } from "afterword";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "vitest";
import { createDatabase, dropTemplate, urlOf } from "../brokers/postgres-setup.ts";
import { deleteQueues } from "../brokers/rabbitmq-setup.ts";
import { deleteKeys } from "../brokers/redis-setup.ts";
import { startChild } from "../support/child-app.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { rabbitmqUrl, redisUrl, withPostgres, withRabbitmq, withRedis } from "../support/test-servers.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { brokerAt, type Place } from "./fixtures/place.ts";
import { useOtelSdk } from "./otel-sdk.ts";

keepTidy();
const sdk = useOtelSdk();

/** Asks an app in a process of its own, and runs the job that it stores in this one. */
async function expectOneTrace(place: Place): Promise<void> {
  sdk.current.instrument({ queues: false, eventLoop: false });
  const queue = "traced";
  const name = "across.work";
  task(name, { queue, attempts: 1 }, async () => {
    await sdk.current.inSpan("inside", () => {});
  });
  const child = startChild(new URL("fixtures/traced-app.ts", import.meta.url), {
    args: [JSON.stringify(place), name, queue],
  });
  const line = await child.line(/^traced .*$/m, 30_000);
  const app = JSON.parse(line.slice("traced ".length)) as Record<string, unknown>;
  expect(app).toMatchObject({ status: 200, parent: app["request"] });
  await using worker = new Worker({ broker: brokerAt(place), queues: [queue], drainTimeout: "5s" });
  await worker.start();
  await waitUntil(() => sdk.current.spans.some((span) => span.name === "process traced"), { withinMs: 30_000 });
  const run = sdk.current.span("process traced");
  expect({ trace: run.spanContext().traceId, parent: run.parentSpanContext }).toMatchObject({
    trace: app["trace"],
    parent: { spanId: app["create"], isRemote: true },
  });
  expect(run.links.map(({ context }) => context.spanId)).toEqual([app["create"]]);
  expect(sdk.current.span("inside").parentSpanContext?.spanId).toBe(run.spanContext().spanId);
}

const timeout = 90_000;

describe("the trace of a request goes on in another process", () => {
  test("through SQLite", { timeout }, async () => {
    await expectOneTrace({ kind: "sqlite", at: join(await createTempDirectory(), "tasks.db"), prefix: "" });
  });

  withRedis("through Redis", () => {
    test("as BullMQ's jobs", { timeout }, async () => {
      const prefix = `test-${randomUUID()}`;
      await expectOneTrace({ kind: "redis", at: redisUrl, prefix });
      await deleteKeys(prefix);
    });

    test("as Celery's messages", { timeout }, async () => {
      // Celery's keys have no prefix.
      const at = Object.assign(new URL(redisUrl), { pathname: "/11" }).href;
      const redis = new Redis(at);
      await redis.flushdb();
      await expectOneTrace({ kind: "celery", at, prefix: "" });
      await redis.flushdb();
      redis.disconnect();
    });
  });

  withPostgres("through PostgreSQL", () => {
    afterAll(dropTemplate);

    test("as pg-boss' jobs", { timeout }, async () => {
      const { name, drop } = await createDatabase();
      await expectOneTrace({ kind: "postgres", at: urlOf(name), prefix: "" });
      await drop();
    });
  });

  withRabbitmq("through RabbitMQ", () => {
    test("as messages", { timeout }, async () => {
      const prefix = `test-${randomUUID().slice(0, 8)}.`;
      await expectOneTrace({ kind: "rabbitmq", at: rabbitmqUrl, prefix });
      await deleteQueues(prefix, ["traced"]);
    });
  });
});
