import type { MetricAttributes } from "../meter-like.ts";

/** The media type of Prometheus' text format. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** What Prometheus calls the kind of an instrument. */
export type MetricType = "counter" | "gauge" | "histogram";

const units: Readonly<Record<string, string>> = { s: "_seconds", "1": "_ratio" };

/** The name that a collector of OpenTelemetry would give a metric: dots become underscores, the unit is told, counters are totals. */
export function toMetricName(name: string, unit: string, type: MetricType): string {
  const plain = toName(name) + (units[unit] ?? "");
  return type === "counter" ? `${plain}_total` : plain;
}

/** The lines that introduce a metric. */
export function formatHead(name: string, type: MetricType, description: string): string {
  return `# HELP ${name} ${description.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

/** The text between braces that tells one series from the others; the same for the same attributes in whatever order. */
export function formatLabels(attributes: MetricAttributes): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${toName(name)}="${escape(String(value))}"`)
    .toSorted()
    .join(",");
}

/** One line. */
export function formatSample(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${formatNumber(value)}\n`;
}

/** `labels` with one more. */
export function withLabel(labels: string, name: string, value: string): string {
  return `${labels === "" ? "" : `${labels},`}${name}="${value}"`;
}

export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function toName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_");
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
