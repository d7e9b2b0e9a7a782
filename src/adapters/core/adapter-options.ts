import type { BackgroundOptions } from "../../background/background-options.ts";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import type { LoggerLike } from "../../internal/log.ts";
import type { Broker } from "../../tasks/broker.ts";
import type { WorkerSettings } from "../../worker/worker-options.ts";

/** What an app of another framework decides about its background tasks: the options of the same names of `new App()`. */
export interface BackgroundTasksOptions {
  /** How background tasks run, and how long closing waits for them. */
  readonly background?: BackgroundOptions;
  /**
   * Where named tasks are stored: `sqlite("tasks.db")`, or another.
   *
   * @defaultValue what the environment variable `AFTERWORD_BROKER` names; without it `memory()`, which lives and dies with
   *   the process
   */
  readonly broker?: Broker;
  /**
   * How this process runs the jobs of the broker; `false` if it does not. Embedded brokers (memory, SQLite) run them here
   * by default.
   */
  readonly worker?: WorkerSettings | false;
  /** Where troubles are written, with fields: pino, or what has its form. @defaultValue stderr */
  readonly logger?: LoggerLike;
}

const names: ReadonlySet<string> = new Set<keyof BackgroundTasksOptions>(["background", "broker", "worker", "logger"]);

/** @throws {DeclarationError} for what is no option. The values are checked by the app that they are given to. */
export function checkOptions(label: string, options: BackgroundTasksOptions): void {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`${label} expects its options as an object, but got ${formatValue(options)}.`);
  for (const name of Object.keys(options)) {
    if (!names.has(name))
      throw new DeclarationError(
        `${label} has no option ${JSON.stringify(name)}. It has ${[...names].join(", ")}; limits and timeouts stand inside of background.`,
      );
  }
}
