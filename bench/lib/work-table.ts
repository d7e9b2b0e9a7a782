import type { WorkSample } from "./engine-work.ts";
import type { Target } from "./question.ts";
import { median, medianRatio } from "./statistics.ts";
import type { Table } from "./table.ts";

/** A way to add or to run jobs. */
export interface Way {
  readonly title: string;
  /** The name of the one that it is compared with. */
  readonly base: string;
}

export type WorkSamples = ReadonlyMap<string, readonly WorkSample[]>;

export function toWorkTable(title: string, ways: Readonly<Record<string, Way>>, samples: WorkSamples): Table {
  const hasServer = [...samples.values()].flat().some(({ serverCpuUs }) => serverCpuUs !== undefined);
  const middle = (name: string, of: (sample: WorkSample) => number): string =>
    median(samples.get(name)!.map(of)).toFixed(1);
  return {
    title,
    plot: { kind: "bars", of: "jobs/s", ours: /the broker|enqueue\(\)|Worker, concurrency|thread: false/ },
    head: ["what", "jobs/s", "× bare", "CPU µs/job", ...(hasServer ? ["server's"] : [])],
    rows: [...samples.keys()].map((name) => [
      ways[name]!.title,
      formatRate(rateOf(samples, name)),
      ratioOf(samples, name, ways[name]!.base)?.toFixed(2) ?? "",
      middle(name, ({ cpuUs }) => cpuUs),
      ...(hasServer ? [middle(name, ({ serverCpuUs = NaN }) => serverCpuUs)] : []),
    ]),
  };
}

/** At least so many times as many jobs a second as another way. None where one of the two was not measured. */
export function toRatioTarget(samples: WorkSamples, name: string, to: string, least: number, text: string): Target[] {
  const ratio = ratioOf(samples, name, to);
  if (ratio === undefined) return [];
  return [{ text, value: `${ratio.toFixed(2)}, ${formatRate(rateOf(samples, name))}/s`, isMet: ratio >= least }];
}

export function rateOf(samples: WorkSamples, name: string): number {
  return median(ratesOf(samples, name));
}

/** The median of the ratios within each round. */
export function ratioOf(samples: WorkSamples, name: string, to: string): number | undefined {
  return samples.has(name) && samples.has(to) ? medianRatio(ratesOf(samples, name), ratesOf(samples, to)) : undefined;
}

export function formatRate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en-US");
}

function ratesOf(samples: WorkSamples, name: string): number[] {
  return samples.get(name)!.map(({ perSecond }) => perSecond);
}
