import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const fixture = fileURLToPath(new URL("fixtures/memory-on-node-test.ts", import.meta.url));

it("describeBroker runs with node:test as well", () => {
  // The runner would take itself for the child of another.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=afterword-source", "--test", "--test-reporter=tap", "--test-name-pattern=of a batch", fixture],
    { encoding: "utf8", env: { ...env, NODE_OPTIONS: "" } },
  );
  expect(stdout).toMatch(/^ *ok \d+ - answers for each job of a batch, in order$/m);
  expect(stdout).toMatch(/^ *ok \d+ - runs jobs of a batch in order$/m);
  expect(stdout).toMatch(/# SKIP$/m);
  expect([status, stderr]).toEqual([0, ""]);
});
