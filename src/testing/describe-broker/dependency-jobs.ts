import assert from "node:assert/strict";
import type { NewJob } from "../../tasks/job.ts";
import type { Bench } from "./bench.ts";
import { Recorder } from "./recorder.ts";
import { createSampleJob } from "./sample-job.ts";

type Pass = "nothing" | "result" | "results";

/** A job that is told from others by its only argument. */
export function part(name: string, fields: Partial<NewJob> = {}): NewJob {
  return createSampleJob({ args: JSON.stringify([name]), ...fields });
}

/** A job that waits for others. */
export function after(name: string, parts: readonly NewJob[], pass: Pass, fields: Partial<NewJob> = {}): NewJob {
  return part(name, { after: { ids: parts.map(({ id }) => id), pass }, ...fields });
}

/** Succeeds with its arguments, so that it shows what was passed to it. */
export function echoing(): Recorder {
  return new Recorder(({ job }) => ({ status: "succeeded", result: job.args }));
}

export async function argsOf(bench: Bench, recorder: Recorder, job: NewJob): Promise<unknown> {
  await bench.succeed(job.id);
  const deliveries = recorder.deliveries.filter(({ job: { id } }) => id === job.id);
  assert.equal(deliveries.length, 1, "it ran once");
  return JSON.parse(deliveries[0]!.job.args);
}

export async function assertPartFailed(bench: Bench, id: string): Promise<void> {
  const job = await bench.status(id, "failed");
  assert.equal(job.error?.code, "chord_part_failed");
  assert.equal(job.attempt, 0);
}
