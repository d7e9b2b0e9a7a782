import { formatDuration } from "../internal/duration.ts";
import type { Background } from "./background.ts";
import type { LostTask } from "./close-report.ts";

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
  const lost: LostTask[] = [];
  const note = (task: LostTask): void => void lost.push(task);
  background.onLost = note;
  for (const request of background.active) request.giveUp(reason);
  await isIdleWithin(background, graceMs);
  for (const request of background.active) request.abandon();
  // What the tasks held is still closed.
  await isIdleWithin(background, graceMs);
  background.onLost = undefined;
  return lost;
}

async function isIdleWithin(background: Background, ms: number): Promise<boolean> {
  if (background.active.size === 0) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, Math.max(0, ms), false)));
  const isIdle = await Promise.race([background.idle().then(() => true), late]);
  clearTimeout(timer);
  return isIdle;
}
