import { afterAll, beforeAll, it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { withRedisServer } from "../support/test-servers.ts";
import { createCelerySetup } from "./celery-setup.ts";
import { RedisServer } from "./redis-server.ts";

/** Celery's keys have no prefix, and its tests come one after the other: a server of its own. */
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.dispose());

describeBroker({
  test: { describe: withRedisServer, it },
  name: "celery",
  lacks: [
    "atomicity",
    "transaction",
    "list",
    "unique",
    "pause",
    "limits",
    "schedule",
    "tenPriorities",
    "freeDependencies",
  ],
  createBroker: () => createCelerySetup(server.url),
});
