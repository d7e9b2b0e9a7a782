import type { Job, JobErrorData, NewJob } from "../../tasks/job.ts";

/** The arguments of a job whose parts have succeeded: their results first. Texts are put together, nothing is parsed. */
export function withResults(
  { args, after }: Pick<NewJob, "args" | "after">,
  results: ReadonlyMap<string, string>,
): string {
  if (after === undefined || after.pass === "nothing") return args;
  const texts = after.ids.map((id) => results.get(id) ?? "null");
  const first = after.pass === "result" ? (texts[0] ?? "null") : `[${texts.join(",")}]`;
  const rest = args.trim().slice(1, -1).trim();
  return rest === "" ? `[${first}]` : `[${first},${rest}]`;
}

const partFailed = "chord_part_failed";

/** What is told of a job that has not succeeded. */
interface Part extends Pick<Job, "task" | "status" | "error" | "reason"> {}

/** Why a job fails that waited for another. */
export function chordPartFailed(id: string, part: Part | undefined): JobErrorData {
  return {
    name: "ChordPartFailed",
    code: partFailed,
    // A part that has failed because of another names that one: the message does not grow along a chain.
    message: part?.error?.code === partFailed ? part.error.message : `It waited for others, and ${describe(id, part)}.`,
  };
}

function describe(id: string, part: Part | undefined): string {
  if (part === undefined) return `job ${id} is not known, or not any more`;
  const why = part.error?.message ?? part.reason;
  return `job ${id} of task "${part.task}" ended as ${part.status}${why === undefined ? "" : `: ${why}`}`;
}

/** Why a job fails whose workers died. */
export function workerLost(deliveries: number): JobErrorData {
  return {
    name: "WorkerLost",
    code: "worker_lost",
    message: `${deliveries} ${deliveries === 1 ? "worker has" : "workers have"} died or fallen silent while running this job, so it is not given to another.`,
  };
}
