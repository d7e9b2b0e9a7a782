import { AfterwordError } from "../../internal/afterword-error.ts";
import type { HeldJob } from "./held-job.ts";

/** Why a delivery is aborted whose job is not this worker's any more. */
export function jobLost({ job }: HeldJob): AfterwordError {
  return new AfterwordError(
    "lease_lost",
    `Job ${job.id} of task "${job.task}" was given away or has ended otherwise, because this worker gave no sign of life for too long.`,
  );
}

/** @param what - what became of its ending, as a part of a sentence */
export function endingLost({ job, ending }: HeldJob, what: string): AfterwordError {
  return new AfterwordError(
    "lease_lost",
    `The ending "${ending!.status}" of job ${job.id} of task "${job.task}" ${what}.`,
  );
}
