import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One execution of a job. */
export interface Run {
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
  readonly at: number;
}

/** What the processes have written down. */
export interface Journal {
  readonly runs: readonly Run[];
  /** How often each code of trouble was met. */
  readonly troubles: ReadonlyMap<string, number>;
}

/** All journals of a folder. A last line that a killed process has not finished is no line. */
export function readJournals(folder: string): Journal {
  const runs: Run[] = [];
  const troubles = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1)) {
      const [kind, what, ...numbers] = line.split(" ") as [string, string, ...string[]];
      if (kind === "trouble") troubles.set(what, (troubles.get(what) ?? 0) + 1);
      else runs.push({ id: what, attempt: Number(numbers[0]), pid: Number(numbers[1]), at: Number(numbers[2]) });
    }
  }
  return { runs: runs.toSorted((one, other) => one.at - other.at), troubles };
}
