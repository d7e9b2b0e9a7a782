import type { Plot } from "./plot.ts";

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the book draws of it. */
  readonly plot?: Plot;
}

/** Columns of even width: the first to the left, all others to the right. */
export function formatTable({ head, rows }: Table): string {
  const lines = [head, head.map(() => ""), ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line, index) =>
      line
        .map((cell, column) => {
          if (index === 1) return "-".repeat(widths[column]!);
          return column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The same in Markdown. */
export function toMarkdown({ head, rows }: Pick<Table, "head" | "rows">): string {
  const toLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    toLine(head),
    `|${head.map((_, column) => (column > 0 && rows.every((row) => isNumber(row[column]!)) ? "---:" : "---")).join("|")}|`,
    ...rows.map(toLine),
  ].join("\n");
}

/** Whether a cell stands with its digits below those of others. */
function isNumber(cell: string): boolean {
  return /^-?[\d,.]*(?: .{1,3})?$/.test(cell);
}
