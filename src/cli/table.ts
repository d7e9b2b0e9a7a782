/** A column of a table: its title, what it shows of a row, and on which side it is flush. */
export interface Column<T> {
  readonly title: string;
  readonly show: (row: T) => string;
  readonly align?: "left" | "right";
}

/** A table for people: columns as wide as they must be, no rules, nothing at the end of a line. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ show }) => show(row)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, index) =>
          columns[index]!.align === "right" ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** How long ago, or how far ahead, in one unit: `3 min ago`, `in 2 h`. */
export function formatWhen(at: number | undefined, now: number = Date.now()): string {
  if (at === undefined) return "-";
  const distanceMs = Math.abs(now - at);
  const text =
    distanceMs < 1_000
      ? "now"
      : distanceMs < 60_000
        ? `${Math.round(distanceMs / 1_000)} s`
        : distanceMs < 3_600_000
          ? `${Math.round(distanceMs / 60_000)} min`
          : distanceMs < 172_800_000
            ? `${Math.round(distanceMs / 3_600_000)} h`
            : `${Math.round(distanceMs / 86_400_000)} d`;
  if (text === "now") return text;
  return at > now ? `in ${text}` : `${text} ago`;
}

/** One line of at most so many characters. */
export function toLine(text: string, maxLength: number): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
