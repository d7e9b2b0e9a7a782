// 3-semantics.md, case 33: what was answered 2xx runs, whatever is killed. See docs/internals/chaos.md.
import { expect, test } from "vitest";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { formatReport, runChaos } from "./chaos-run.ts";

keepTidy();

test(
  "every confirmed job ends, once, while server and workers are killed and stopped",
  { timeout: 60_000 },
  async ({ onTestFailed }) => {
    const seed = Number(process.env.AFTERWORD_CHAOS_SEED ?? Date.now() % 1_000_000);
    const report = await runChaos({ folder: await createTempDirectory(), seed, chaosMs: 15_000, settleMs: 20_000 });
    onTestFailed(() => console.error(`AFTERWORD_CHAOS_SEED=${seed}\n${formatReport(report)}`));
    expect({ seed, broken: report.broken }).toEqual({ seed, broken: [] });
    // A run in which little happened proves little.
    expect(report.figures["2xx read to the end"]).toBeGreaterThan(50);
    expect(report.figures["worker kills"]).toBeGreaterThan(0);
    expect(report.figures["server kills"]).toBeGreaterThan(0);
  },
);
