import { describe, it } from "vitest";
import { memory } from "../../src/brokers/memory/index.ts";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";

describeBroker({
  test: { describe, it },
  name: "memory",
  lacks: ["transaction", "durability", "connections", "processes", "outages"],
  createBroker: async () => ({ broker: memory(), dispose: async () => {} }),
});
