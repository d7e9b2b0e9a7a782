/** The smallest value that so many of a hundred do not exceed. */
export function percentile(values: readonly number[], of100: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * of100) / 100) - 1)]!;
}

/** Milliseconds by a clock that all processes of the machine share. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** Calls `fn` so many times a second, and catches up when a timer was late. */
export async function pace(perSecond: number, seconds: number, fn: () => void): Promise<void> {
  const startMs = performance.now();
  for (let done = 0; done < perSecond * seconds;) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - startMs) * perSecond) / 1_000));
    for (; done < due; done++) fn();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
