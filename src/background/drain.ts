import { formatDuration } from "../internal/duration.ts";
import type { AddedTask } from "./added-task.ts";
import type { Background } from "./background.ts";
import type { LostTask } from "./close-report.ts";
import type { RequestTasks } from "./request-tasks.ts";

/** So long a task may take to end well after its signal was aborted. */
const graceMs = 1_000;

/**
 * Waits until all tasks have ended, those included that are added meanwhile; at `deadlineMs` (by `performance.now()`)
 * aborts the signals of those that run, gives them a second to end well, and gives up the rest.
 *
 * @returns the tasks that were given up, each with its outcome `lost`
 */
export async function drain(background: Background, deadlineMs: number): Promise<LostTask[]> {
  const reason = `the app shut down, and it had not ended within ${formatDuration(background.config.drainTimeoutMs)}`;
  if (await isIdleWithin(background, deadlineMs - performance.now())) return [];
  const left = unfinished(background);
  for (const { task } of left) if (task.isRunning) task.giveUp(reason);
  for (const { request, task, wasRunning } of left) if (!wasRunning) request.lose(task, reason);
  await isIdleWithin(background, graceMs);
  const late = unfinished(background).filter(({ task }) => !left.some((known) => known.task === task));
  for (const { request, task } of [...left, ...late]) request.lose(task, reason);
  // What the tasks held is still closed.
  await isIdleWithin(background, graceMs);
  return [...left, ...late]
    .filter(({ task }) => task.outcome?.status === "lost")
    .map(({ request, task, wasRunning }) => ({
      id: task.id,
      name: task.name,
      requestId: request.request.id,
      wasRunning,
    }));
}

interface Unfinished {
  readonly request: RequestTasks;
  readonly task: AddedTask;
  readonly wasRunning: boolean;
}

function unfinished(background: Background): Unfinished[] {
  return Array.from(background.active, (request) =>
    request.unfinished().map((task) => ({ request, task, wasRunning: task.isRunning })),
  ).flat();
}

async function isIdleWithin(background: Background, ms: number): Promise<boolean> {
  if (background.active.size === 0) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, Math.max(0, ms), false)));
  const isIdle = await Promise.race([background.idle().then(() => true), late]);
  clearTimeout(timer);
  return isIdle;
}
