import { afterAll, beforeAll, it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { withRabbitmqPrograms } from "../support/test-servers.ts";
import { climbOnce, createCeleryAmqpSetup } from "./celery-amqp-setup.ts";

/** Celery's queues have no prefix, and its tests come one after the other: a server of its own. */
let node: RabbitmqNode;

beforeAll(async () => {
  node = await RabbitmqNode.start();
  await climbOnce(node.url);
}, 90_000);
afterAll(() => node?.dispose());

describeBroker({
  test: { describe: withRabbitmqPrograms, it },
  name: "celery on RabbitMQ with rpc:// results",
  lacks: [
    "atomicity",
    "transaction",
    "list",
    "unique",
    "pause",
    "limits",
    "schedule",
    "freeDependencies",
    "leases",
    "chords",
    "cancelWaiting",
    "oldPlaces",
    "priority",
    "connections",
    "processes",
  ],
  patienceMs: 15_000,
  createBroker: () => createCeleryAmqpSetup({ amqp: node.url, redis: undefined }),
});
