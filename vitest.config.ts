import { spawnSync } from "node:child_process";
import { defineConfig } from "vitest/config";
import { EndReporter } from "./test/support/end-reporter.ts";

const report = process.env.AFTERWORD_REPORT;

/**
 * From the sources, each thread of a SQLite broker strips types with Node's own WebAssembly. Where many threads come and go in
 * one process, V8 crashes now and then when it makes a faster wrapper for that (Node 24.21: Runtime_TierUpWasmToJSWrapper). The
 * compiled package has nothing to strip.
 */
const flag = "--wasm-wrapper-tiering-budget=1000000000";
const hasFlag = spawnSync(process.execPath, [flag, "--eval", "0"]).status === 0;

/** Worker threads load modules as Node does, without what vitest knows of conditions. */
const execArgv = ["--conditions=afterword-source", ...(hasFlag ? [flag] : [])];

export default defineConfig({
  // Examples and tests import "afterword" as users do; this condition leads them to the sources.
  resolve: { conditions: ["afterword-source"] },
  ssr: { resolve: { conditions: ["afterword-source"] } },
  test: {
    execArgv,
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 20_000,
    reporters:
      report === undefined
        ? ["default", new EndReporter()]
        : ["default", new EndReporter(), ["json", { outputFile: report }]],
  },
});
