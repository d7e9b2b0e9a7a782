import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import { formatAgo, formatExact } from "../format.ts";

const clocks = new Set<() => void>();
setInterval(() => {
  for (const tick of [...clocks]) tick();
}, 1_000);

/** By how much the server's clock is before ours: what is relative, is so to its clock. */
let aheadMs = 0;

export function setServerTime(now: number): void {
  aheadMs = now - Date.now();
}

export function serverNow(): number {
  return Date.now() + aheadMs;
}

export function useNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const tick = (): void => setNow(serverNow());
    clocks.add(tick);
    return () => void clocks.delete(tick);
  }, []);
  return now;
}

/** An instant: relative, and exact when one points at it; both with `full`. */
export function Time({ at, full = false }: { at: number | undefined; full?: boolean }): JSX.Element {
  const now = useNow();
  if (at === undefined) return <span class="faint">–</span>;
  const exact = formatExact(at);
  return (
    <time dateTime={new Date(at).toISOString()} title={exact}>
      {formatAgo(at, now)}
      {full && <span class="faint"> · {exact}</span>}
    </time>
  );
}
