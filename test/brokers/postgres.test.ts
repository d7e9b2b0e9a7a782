import { afterAll, it } from "vitest";
import { describeBroker } from "../../src/testing/describe-broker/index.ts";
import { withPostgres } from "../support/test-servers.ts";
import { createPostgresSetup, dropTemplate } from "./postgres-setup.ts";

afterAll(dropTemplate);

describeBroker({ test: { describe: withPostgres, it }, name: "postgres", createBroker: createPostgresSetup });
