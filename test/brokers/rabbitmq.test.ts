import { afterAll, it } from "vitest";
import { abilities } from "../../src/tasks/broker.ts";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { withRabbitmq } from "../support/test-servers.ts";
import { createRabbitmqSetup } from "./rabbitmq-setup.ts";

afterAll(removeTempDirectories);

describeBroker({
  test: { describe: withRabbitmq, it },
  name: "rabbitmq with results in SQLite",
  lacks: ["transaction", "atomicity"],
  createBroker: () => createRabbitmqSetup({ queues: "quorum", hasResults: true }),
});

for (const queues of ["quorum", "classic"] as const)
  describeBroker({
    test: { describe: withRabbitmq, it },
    name: `rabbitmq without results, ${queues} queues`,
    lacks: ["atomicity", ...abilities.filter((ability) => ability !== "delay" && ability !== "priority")],
    createBroker: () => createRabbitmqSetup({ queues, hasResults: false }),
  });
