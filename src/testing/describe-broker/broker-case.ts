import type { Bench } from "./bench.ts";
import type { Requirement } from "./requirement.ts";

/** One sentence about brokers, and how to find out whether it is true. */
export interface BrokerCase {
  readonly sentence: string;
  readonly needs: readonly Requirement[];
  readonly run: (bench: Bench) => Promise<void>;
}

/** The sentences about one verb. */
export interface CaseGroup {
  readonly name: string;
  readonly cases: readonly BrokerCase[];
}

export function brokerCase(
  sentence: string,
  needs: readonly Requirement[],
  run: (bench: Bench) => Promise<void>,
): BrokerCase {
  return { sentence, needs, run };
}
