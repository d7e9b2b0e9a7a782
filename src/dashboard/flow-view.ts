import type { Broker } from "../tasks/broker.ts";
import type { Job } from "../tasks/job.ts";
import type { FlowPart, FlowView } from "./dashboard-types.ts";

/** So many jobs of a flow are shown: those nearest to its end, and the one that was asked for. */
const maxParts = 100;

/**
 * The flow that a job is a part of, in the order in which its jobs were stored. Every job of a flow knows the last one
 * (`meta.flow`), and each knows those it waits for: so it is read from its end, step by step.
 */
export async function readFlow(broker: Broker, job: Job): Promise<FlowView | undefined> {
  if (job.meta.flow === undefined && job.after === undefined) return undefined;
  const parts = new Map<string, FlowPart>([[job.id, toPart(job.id, job)]]);
  const last = job.meta.flow;
  let front = last === undefined ? idsAfter(job) : [last];
  let isCut = false;
  while (front.length > 0 && !isCut) {
    const ids = front.slice(0, maxParts - parts.size);
    isCut = ids.length < front.length;
    const jobs = await broker.get({ ids });
    for (const [index, id] of ids.entries()) parts.set(id, toPart(id, jobs[index]));
    const before = new Set([...ids, job.id].flatMap((id) => parts.get(id)!.after));
    front = [...before].filter((id) => !parts.has(id));
  }
  return { parts: [...parts.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)), isCut };
}

function toPart(id: string, job: Job | undefined): FlowPart {
  return { id, task: job?.task, status: job?.status, after: job === undefined ? [] : idsAfter(job) };
}

function idsAfter({ after }: Job): readonly string[] {
  return after?.ids ?? [];
}
