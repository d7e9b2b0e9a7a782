import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";

afterAll(removeTempDirectories);

const fixture = fileURLToPath(new URL("fixtures/fetch-once.ts", import.meta.url));

test.each(["memory", "sqlite"])(
  "an app on %s that is only fetched from, and never closed, lets its process end",
  { timeout: 30_000 },
  async (kind) => {
    const args = kind === "sqlite" ? [join(await createTempDirectory(), "tasks.db")] : [];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--conditions=afterword-source", fixture, ...args],
      {
        env: { ...process.env, NODE_OPTIONS: "" },
        timeout: 15_000,
      },
    );
    expect(stdout).toContain('"ok"');
  },
);
