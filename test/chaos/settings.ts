import type { BrokerSettings } from "./stores/chaos-store.ts";

/** What a fixture is told by its environment. */
export interface FixtureSettings {
  readonly broker: BrokerSettings;
  /** What it appends its executions to: a file of its own. */
  readonly journal: string;
  /** Where files open the gates that tasks wait at. */
  readonly gates: string;
  /** Where the compiled sources are kept from one start to the next. */
  readonly compiled: string;
  readonly leaseMs: number;
  /** How many jobs run at the same time; 0: the server runs none. */
  readonly slots: number;
  /** The URL of the entry of the sources that it runs on; by default those of this repository. */
  readonly entry: string | undefined;
}

const variable = "AFTERWORD_CHAOS";

export function toEnvironment(settings: FixtureSettings): Record<string, string> {
  return {
    [variable]: JSON.stringify(settings),
    NODE_COMPILE_CACHE: settings.compiled,
    ...(settings.entry !== undefined && { AFTERWORD_ENTRY: settings.entry }),
  };
}

export function readSettings(): FixtureSettings {
  return JSON.parse(process.env[variable]!) as FixtureSettings;
}
