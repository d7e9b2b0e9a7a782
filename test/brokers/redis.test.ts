import { it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { withRedis } from "../support/test-servers.ts";
import { createRedisSetup } from "./redis-setup.ts";

describeBroker({
  test: { describe: withRedis, it },
  name: "redis",
  lacks: ["transaction"],
  createBroker: createRedisSetup,
});
