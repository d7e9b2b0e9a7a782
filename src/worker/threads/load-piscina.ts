import type { MessagePort, ResourceLimits } from "node:worker_threads";
import { AfterwordError } from "../../internal/afterword-error.ts";

/** What is used of a pool. */
export interface PiscinaLike {
  run(order: unknown, options: PiscinaRun): Promise<unknown>;
  destroy(): Promise<void>;
  readonly threads: readonly { once(event: "exit", listener: () => void): unknown }[];
  on(event: "error", listener: (error: unknown) => void): unknown;
}

export interface PiscinaRun {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly transferList: MessagePort[];
}

/** What is used of the package that users install. */
export type PiscinaClass = new (options: {
  readonly filename: string;
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly idleTimeout: number;
  readonly atomics: "disabled";
  readonly recordTiming: boolean;
  readonly workerData: unknown;
  readonly resourceLimits?: ResourceLimits;
}) => PiscinaLike;

/** @throws {AfterwordError} with code `missing_package` */
export async function loadPiscina(): Promise<PiscinaClass> {
  try {
    return (await import("piscina")).Piscina;
  } catch (error) {
    throw new AfterwordError(
      "missing_package",
      "The option thread of tasks needs the package piscina 5. Install it: npm install piscina@5",
      { cause: error },
    );
  }
}
