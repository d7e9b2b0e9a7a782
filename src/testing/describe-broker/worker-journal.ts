import { appendFileSync, readFileSync } from "node:fs";

/** What a worker in a process of its own has seen. */
export type JournalEntry =
  | { readonly event: "ready" }
  | { readonly event: "started"; readonly id: string; readonly attempt: number; readonly deliveries: number }
  | { readonly event: "answered"; readonly id: string; readonly status: string }
  | { readonly event: "aborted"; readonly id: string; readonly code: string }
  | { readonly event: "error"; readonly text: string };

/** Adds a line: one write, which stands even if the process dies in the next moment. */
export function appendJournal(file: string, entry: JournalEntry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** All entries so far. */
export function readJournal(file: string): readonly JournalEntry[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalEntry);
}
