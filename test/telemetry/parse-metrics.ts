import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** One series, as the parser gives it: values are texts. */
export interface ParsedSeries {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value?: string;
}

export interface ParsedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "COUNTER" | "GAUGE" | "HISTOGRAM" | "SUMMARY" | "UNTYPED";
  /** Of counters and gauges: the parser puts all series of a histogram into one. */
  readonly metrics: readonly ParsedSeries[];
}

/** One line of the page. */
interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A page that was read. */
export interface ParsedPage {
  get(metric: string): ParsedMetric | undefined;
  /** The value of the only line of that name whose labels have these among them. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

const parse = require("parse-prometheus-text-format") as (text: string) => readonly ParsedMetric[] | undefined;

/** A page in Prometheus' text format, by a parser that is not ours, after checks of what it does not mind. */
export function parseMetrics(text: string): ParsedPage {
  const lines = readLines(text);
  checkHistograms(lines);
  const parsed = parse(text);
  if (parsed === undefined) throw new Error(`The parser could not read:\n${text}`);
  const metrics = new Map(parsed.map((metric) => [metric.name, metric]));
  return {
    get: (metric) => metrics.get(metric),
    value: (name, labels = {}) => {
      const found = lines.filter(
        (line) => line.name === name && Object.entries(labels).every(([key, value]) => line.labels[key] === value),
      );
      if (found.length > 1) throw new Error(`${found.length} series of ${name} have ${JSON.stringify(labels)}.`);
      return found[0]?.value;
    },
  };
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g;

/** Each metric has one HELP and one TYPE before its samples, which stand together; no series comes twice. */
function readLines(text: string): readonly Line[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("The last line does not end.");
  const types = new Map<string, string>();
  const series = new Set<string>();
  const lines: Line[] = [];
  let current = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      if (types.has(name!)) throw new Error(`${name} comes twice.`);
      current = name!;
      types.set(name!, "");
    } else if (keyword === "TYPE") {
      if (name !== current) throw new Error(`The type of ${name} does not stand beside its help.`);
      types.set(name!, rest!);
    } else {
      const [, full, labels = "", value] = sample.exec(line) ?? [];
      if (full === undefined) throw new Error(`This is no sample: ${line}`);
      const base = types.get(current) === "histogram" ? full.replace(/_(bucket|sum|count)$/, "") : full;
      if (base !== current) throw new Error(`${full} does not stand under its own help, but under that of ${current}.`);
      const number = Number(value!.replace("Inf", "Infinity"));
      if (Number.isNaN(number)) throw new Error(`This is no number: ${line}`);
      if (series.has(full + labels)) throw new Error(`This series comes twice: ${line}`);
      series.add(full + labels);
      const pairs = Array.from(labels.matchAll(label), ([, key, text]) => [key!, text!] as const);
      lines.push({ name: full, labels: Object.fromEntries(pairs), value: number });
    }
  }
  return lines;
}

/** Buckets are cumulative, and the last one holds all. */
function checkHistograms(lines: readonly Line[]): void {
  const last = new Map<string, { readonly bound: number; readonly value: number }>();
  for (const { name, labels, value } of lines) {
    const { le, ...rest } = labels;
    const key = `${name.replace(/_(bucket|count)$/, "")} ${JSON.stringify(rest)}`;
    const before = last.get(key);
    if (name.endsWith("_bucket")) {
      const bound = Number(le!.replace("Inf", "Infinity"));
      if (before && (bound <= before.bound || value < before.value)) throw new Error(`${key} is not cumulative.`);
      last.set(key, { bound, value });
    } else if (name.endsWith("_count") && (before?.bound !== Infinity || before.value !== value))
      throw new Error(`${key} has buckets that do not hold all.`);
  }
}
