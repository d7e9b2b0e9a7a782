// Kills servers, workers and the server of the jobs for minutes, and checks what was promised. See docs/internals/chaos.md.
//
//   node --conditions=afterword-source scripts/chaos.ts --broker redis --minutes 3 --seed 42
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatReport, runChaos } from "../test/chaos/chaos-run.ts";
import { brokerKinds } from "../test/chaos/stores/chaos-store.ts";

const { values } = parseArgs({
  options: {
    broker: { type: "string", default: "sqlite" },
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    lease: { type: "string" },
    servers: { type: "string", default: "2" },
    workers: { type: "string", default: "2" },
  },
});

const broker = brokerKinds.find((each) => each === values.broker);
if (broker === undefined)
  throw new Error(`--broker must be one of ${brokerKinds.join(", ")}, but is ${values.broker}.`);

const folder = await mkdtemp(join(tmpdir(), "afterword-chaos-"));
console.log(`broker ${broker}, seed ${values.seed}, ${values.minutes} minutes, everything is in ${folder}`);
const startMs = performance.now();
const report = await runChaos({
  broker,
  folder,
  seed: Number(values.seed),
  chaosMs: Number(values.minutes) * 60_000,
  settleMs: 60_000,
  leaseMs: values.lease === undefined ? undefined : Number(values.lease),
  servers: Number(values.servers),
  workers: Number(values.workers),
  onProgress: (line) => console.log(`${Math.round((performance.now() - startMs) / 1_000)} s: ${line}`),
});
console.log(`\n${formatReport(report)}`);
if (report.broken.length > 0) {
  console.log(`\nPromises were broken. The journals are kept in ${folder}.`);
  process.exitCode = 1;
} else await rm(folder, { recursive: true });
