import { afterAll, beforeAll, it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { withRabbitmqAndRedis } from "../support/test-servers.ts";
import { climbOnce, createCeleryAmqpSetup } from "./celery-amqp-setup.ts";
import { RedisServer } from "./redis-server.ts";

/** Celery's queues and keys have no prefix, and its tests come one after the other: servers of their own. */
let node: RabbitmqNode;
let redis: RedisServer;

beforeAll(async () => {
  [node, redis] = await Promise.all([RabbitmqNode.start(), RedisServer.start()]);
  await climbOnce(node.url);
}, 90_000);
afterAll(async () => {
  await Promise.all([node?.dispose(), redis?.dispose()]);
});

describeBroker({
  test: { describe: withRabbitmqAndRedis, it },
  name: "celery on RabbitMQ with results in Redis",
  lacks: ["atomicity", "transaction", "list", "unique", "pause", "limits", "schedule", "freeDependencies", "leases"],
  // Two servers, beside those of others.
  patienceMs: 15_000,
  createBroker: () => createCeleryAmqpSetup({ amqp: node.url, redis: redis.url }, { maxPriority: 10 }),
});
