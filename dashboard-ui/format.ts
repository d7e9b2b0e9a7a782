const units: readonly (readonly [limit: number, divisor: number, unit: string])[] = [
  [1_000, 1, "ms"],
  [60_000, 1_000, "s"],
  [3_600_000, 60_000, "min"],
  [172_800_000, 3_600_000, "h"],
  [Infinity, 86_400_000, "d"],
];

/** `"38 ms"`, `"4.2 s"`, `"3 min"` */
export function formatMs(ms: number): string {
  const [, divisor, unit] = units.find(([limit]) => ms < limit)!;
  const value = ms / divisor;
  return `${value < 10 && divisor > 1 ? trim(value.toFixed(1)) : Math.round(value)} ${unit}`;
}

function trim(text: string): string {
  return text.endsWith(".0") ? text.slice(0, -2) : text;
}

export function formatAgo(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 1_500) return "now";
  return ms > 0 ? `${formatMs(Math.max(1_000, ms))} ago` : `in ${formatMs(Math.max(1_000, -ms))}`;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function formatExact(at: number): string {
  return exact.format(at);
}

const plain = new Intl.NumberFormat(undefined);
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return plain.format(Math.round(count));
}

/** For places with little room: `"1.2M"`. */
export function formatShort(count: number): string {
  return Math.abs(count) < 10_000 ? plain.format(Math.round(count)) : short.format(count);
}

/** `"3.4/s"` */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.1) return `${trim((perSecond * 60).toFixed(1))}/min`;
  return `${perSecond < 10 ? trim(perSecond.toFixed(1)) : formatShort(perSecond)}/s`;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
