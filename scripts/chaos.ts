// Kills a server and its workers for minutes, and checks what they have promised. See docs/internals/chaos.md.
//
//   node --conditions=afterword-source scripts/chaos.ts --minutes 3 --seed 42
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatReport, runChaos } from "../test/chaos/chaos-run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    lease: { type: "string", default: "600" },
    servers: { type: "string", default: "2" },
    workers: { type: "string", default: "2" },
  },
});

const folder = await mkdtemp(join(tmpdir(), "afterword-chaos-"));
console.log(`seed ${values.seed}, ${values.minutes} minutes, the file is in ${folder}`);
const startMs = performance.now();
const report = await runChaos({
  folder,
  seed: Number(values.seed),
  chaosMs: Number(values.minutes) * 60_000,
  settleMs: 60_000,
  leaseMs: Number(values.lease),
  servers: Number(values.servers),
  workers: Number(values.workers),
  onProgress: (line) => console.log(`${Math.round((performance.now() - startMs) / 1_000)} s: ${line}`),
});
console.log(`\n${formatReport(report)}`);
if (report.broken.length > 0) {
  console.log(`\nPromises were broken. The file and the journals are kept in ${folder}.`);
  process.exitCode = 1;
} else await rm(folder, { recursive: true });
