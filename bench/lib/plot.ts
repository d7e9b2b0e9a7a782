import type { Table } from "./table.ts";

/** What of a table is drawn, by the names of its columns. */
export type Plot =
  /** A bar for each row: its first cell, and the number in a column. Rows of ours are coloured. */
  | { readonly kind: "bars"; readonly of: string; readonly ours: RegExp }
  /** A line for each value of the column `by`: the numbers of a column over those of another, which grows by powers of ten. */
  | { readonly kind: "lines"; readonly of: string; readonly over: string; readonly by: string; readonly ours: RegExp };

const width = 720;
const fontSize = 13;

/** Follows the reader's light or dark page; an image in a page sees only the system's choice. */
const style = `text{font:${fontSize}px system-ui,sans-serif;fill:#333}.title{font-weight:600}.faint{fill:#777}
.axis{stroke:#ccc}.other{fill:#9aa5b1;stroke:#9aa5b1}.ours{fill:#0b7285;stroke:#0b7285}path{fill:none!important;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#ddd}.faint{fill:#999}.axis{stroke:#555}.other{fill:#6b7683;stroke:#6b7683}.ours{fill:#3bc9db;stroke:#3bc9db}}`;

/** @returns an SVG document, or `undefined` when the table has nothing to draw */
export function drawPlot(table: Table): string | undefined {
  if (table.plot === undefined || table.rows.length === 0) return undefined;
  return table.plot.kind === "bars" ? drawBars(table, table.plot) : drawLines(table, table.plot);
}

function drawBars(table: Table, { of, ours }: Plot & { kind: "bars" }): string {
  const column = columnOf(table, of);
  const bars = table.rows
    .map((row) => ({ label: row[0]!, cell: row[column]!, value: numberIn(row[column]!) }))
    .filter(({ value }) => !Number.isNaN(value));
  const most = Math.max(...bars.map(({ value }) => value));
  const [left, right, top, step] = [310, 90, 40, 24];
  const lines = bars.map(({ label, cell, value }, index) => {
    const y = top + index * step;
    const long = Math.max(1, ((width - left - right) * value) / most);
    return [
      text(left - 8, y + 14, shorten(label, 44), "end"),
      `<rect class="${kindOf(label, ours)}" x="${left}" y="${y + 3}" width="${long.toFixed(1)}" height="${step - 8}" rx="2"/>`,
      text(left + long + 6, y + 14, cell),
    ].join("");
  });
  return toDocument(table.title, of, top + bars.length * step + 12, lines);
}

function drawLines(table: Table, { of, over, by, ours }: Plot & { kind: "lines" }): string {
  const [y, x, line] = [columnOf(table, of), columnOf(table, over), columnOf(table, by)];
  const series = Map.groupBy(
    table.rows.map((row) => ({ name: row[line]!, x: numberIn(row[x]!), y: numberIn(row[y]!) })),
    ({ name }) => name,
  );
  const points = [...series.values()].flat();
  const [left, right, top, height] = [60, 210, 44, 240];
  const [least, most] = [Math.min(...points.map((point) => point.x)), Math.max(...points.map((point) => point.x))];
  const highest = Math.max(...points.map((point) => point.y));
  const toX = (value: number): number =>
    left + ((width - left - right) * Math.log(value / least)) / (Math.log(most / least) || 1);
  const toY = (value: number): number => top + height - (height * value) / highest;
  // Names at the ends of the lines, moved apart where these are close.
  const names = [...series].map(([name, own]) => ({ name, y: toY(own.at(-1)!.y) })).toSorted((a, b) => a.y - b.y);
  for (const [index, label] of names.entries())
    if (index > 0) label.y = Math.max(label.y, names[index - 1]!.y + fontSize + 3);
  return toDocument(table.title, `${of} over ${over}`, top + height + 34, [
    ...[0, 0.5, 1].map((part) => {
      const at = toY(highest * part);
      return `<line class="axis" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/>${text(left - 8, at + 4, round(highest * part), "end")}`;
    }),
    ...[...new Set(points.map((point) => point.x))].map((value) =>
      text(toX(value), top + height + 20, value.toLocaleString("en-US"), "middle"),
    ),
    ...[...series].map(([name, own]) => {
      const path = own.map(
        (point, index) => `${index === 0 ? "M" : "L"}${toX(point.x).toFixed(1)} ${toY(point.y).toFixed(1)}`,
      );
      return `<path class="${kindOf(name, ours)}" d="${path.join("")}"/>`;
    }),
    ...names.map(({ name, y: at }) => text(width - right + 8, at + 4, shorten(name, 30))),
  ]);
}

function toDocument(title: string, subtitle: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(`${title}: ${subtitle}`)}</title>
<style>${style}</style>
${text(8, 18, shorten(title, 96), "start", "title")}
${text(8, 34, subtitle, "start", "faint")}
${parts.join("\n")}
</svg>
`;
}

function columnOf(table: Table, name: string): number {
  const column = table.head.indexOf(name);
  if (column === -1)
    throw new Error(`The table "${table.title}" has no column "${name}", only ${table.head.join(", ")}.`);
  return column;
}

function numberIn(cell: string): number {
  return cell === "" ? Number.NaN : Number(cell.replaceAll(",", ""));
}

function kindOf(label: string, ours: RegExp): "ours" | "other" {
  return ours.test(label) ? "ours" : "other";
}

function text(x: number, y: number, content: string, anchor = "start", kind = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${kind ? ` class="${kind}"` : ""}>${escape(content)}</text>`;
}

function round(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString("en-US");
}

function shorten(label: string, most: number): string {
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
