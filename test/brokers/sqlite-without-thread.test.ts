import { describe, it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { createSqliteSetup } from "./sqlite-setup.ts";

describeBroker({
  test: { describe, it },
  name: "sqlite that writes in the event loop",
  createBroker: () => createSqliteSetup({ thread: false, synchronous: "normal" }),
});
