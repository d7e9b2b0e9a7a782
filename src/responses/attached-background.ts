import type { BackgroundTask } from "../background/background-task.ts";
import { BackgroundTasks } from "../background/background-tasks.ts";

/** Several attached tasks: tells our list from a user's. */
class AttachedTasks extends BackgroundTasks {}

const attached = new WeakMap<Response, BackgroundTask>();
/** How many were attached and not taken: while it is zero, no request pays for the look-up. */
let attachedCount = 0;

/** Attaches a task to a response, after what is attached already. */
export function attachBackground(response: Response, task: BackgroundTask): void {
  const before = attachedCount === 0 ? undefined : attached.get(response);
  if (before === undefined) {
    attached.set(response, task);
    attachedCount++;
  } else if (before instanceof AttachedTasks) before.tasks.push(task);
  else attached.set(response, new AttachedTasks([before, task]));
}

/** Whether something is attached to a response and was not taken. */
export function carriesBackground(response: Response): boolean {
  return attachedCount > 0 && attached.has(response);
}

/** What is attached to a response, once: afterwards nothing is. */
export function takeBackground(response: Response): BackgroundTask | undefined {
  if (attachedCount === 0) return undefined;
  const task = attached.get(response);
  if (task === undefined) return undefined;
  attached.delete(response);
  attachedCount--;
  return task;
}

/** Attaches what `from` carries to the response that takes its place. */
export function moveBackground(from: Response, to: Response): Response {
  const task = from === to ? undefined : takeBackground(from);
  if (task !== undefined) attachBackground(to, task);
  return to;
}
