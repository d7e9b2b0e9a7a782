/** Something that waits for a turn of the event loop. */
export interface Waiting {
  /** Must not throw. */
  resume(): void;
}

let waiting: Waiting[] = [];

/**
 * Resumes `work` after a turn of the event loop. All who wait at a moment share one `setImmediate`, which therefore calls
 * them in the asynchronous context of the first: each must restore its own.
 */
export function afterTurn(work: Waiting): void {
  if (waiting.push(work) === 1) setImmediate(resumeAll);
}

function resumeAll(): void {
  const now = waiting;
  waiting = [];
  for (const work of now) work.resume();
}
