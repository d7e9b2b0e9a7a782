const firstMs = 100;
const maxMs = 5_000;

/**
 * How long to wait before a server process that has ended is replaced.
 *
 * @param quickEnds - how many in a row, this one included, have ended soon after their start
 */
export function restartDelayMs(quickEnds: number): number {
  return quickEnds === 0 ? 0 : Math.min(maxMs, firstMs * 2 ** (quickEnds - 1));
}
