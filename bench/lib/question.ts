import type { BenchOptions } from "./options.ts";
import type { Table } from "./table.ts";

/** A benchmark. A file of one question has these exports. */
export interface Question {
  /** What `--only` may pick. */
  readonly names: readonly string[];
  run(options: BenchOptions): Promise<Answer>;
}

export interface Answer {
  readonly tables: readonly Table[];
  /** Sentences that belong to the tables. */
  readonly notes: readonly string[];
  readonly targets: readonly Target[];
  /** What could not be measured, and why. */
  readonly skipped: readonly string[];
  /** All figures, for the JSON file. */
  readonly data: unknown;
}

/** What shall be reached. A missed one is shown and fails nothing. */
export interface Target {
  readonly text: string;
  readonly value: string;
  readonly isMet: boolean;
}

/**
 * What is skipped because it is missing on this machine. In CI nothing is.
 *
 * @throws {BenchError} in CI
 */
export function skipped(why: string): string {
  if (process.env.CI !== undefined) throw new BenchError(`In CI nothing is skipped: ${why}`);
  return why;
}

/** Something is wrong with the call, the machine or a peer: shown without a stack. */
export class BenchError extends Error {}

/** The answer where something is missing. */
export function nothing(why: string): Answer {
  return { tables: [], notes: [], targets: [], skipped: [skipped(why)], data: {} };
}
