import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("named-tasks prints results, a flow, a unique key and a cancellation, and ends by itself", async () => {
  const file = fileURLToPath(new URL("../../examples/named-tasks.ts", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--conditions=afterword-source", file], {
    env: { ...process.env, NODE_OPTIONS: "" },
    timeout: 15_000,
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("3\nHamlet: 6 words\ntrue scheduled\ntrue canceled\n");
});
