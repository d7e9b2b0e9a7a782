import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { assertAbility, assertSupported } from "./abilities.ts";
import { assertCron } from "./assert-cron.ts";
import type { Broker } from "./broker.ts";
import type { NewJob } from "./job.ts";
import { argumentsToJson } from "./json-value.ts";
import { checkArguments, toNewJob } from "./new-job.ts";
import type { Task } from "./task.ts";
import { definitionOf, type TaskDefinition } from "./task-definition.ts";
import { toName } from "./task-options.ts";

/** What `app.schedule()` takes after the arguments. */
export interface ScheduleOptions {
  /** The IANA name of the time zone whose clocks the cron expression is read by. @defaultValue `"UTC"` */
  readonly timezone?: string;
  /**
   * What happens to ticks at which no process was there to store a job, or the broker was away for more than a minute.
   *
   * - `"skip"`: nothing.
   * - `"once"`: one job, for the last of them.
   * - `"all"`: a job for each, for the last thousand at most.
   *
   * @defaultValue `"once"`
   */
  readonly missed?: "skip" | "once" | "all";
}

const policies = ["skip", "once", "all"] as const;

/** Jobs of one task at the times of a cron expression. */
export class Schedule<A extends unknown[] = unknown[]> {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: "skip" | "once" | "all";
  /** The name of its task. */
  readonly task: string;
  readonly #definition: TaskDefinition;
  readonly #args: readonly unknown[];

  /**
   * @param cron - five fields, six with seconds before them, or a nickname such as `@daily`
   * @throws {DeclarationError} when anything of it is wrong
   */
  constructor(name: string, cron: string, task: Task<A, unknown>, args: NoInfer<A>, options: ScheduleOptions = {}) {
    this.name = toName(name, "The name of a schedule");
    const what = `Schedule "${name}"`;
    const { timezone, missed } = checkOptions(what, options);
    assertCron(what, cron, timezone);
    this.cron = cron.trim();
    this.timezone = timezone;
    this.missed = missed;
    this.#definition = checkTask(what, task);
    this.task = this.#definition.name;
    this.#args = copyArguments(what, this.#definition, args);
    declare(what, () => this.toNewJob(0));
  }

  /** The job of a tick. */
  toNewJob(tickAt: number): NewJob {
    const job = toNewJob(this.task, this.#definition.config, this.#args, undefined);
    return { ...job, meta: { ...job.meta, schedule: this.name, tick: new Date(tickAt).toISOString() } };
  }

  /** @throws {AfterwordError} with code `unsupported` when it, or an option of its task, asks for what the broker cannot do */
  assertSupportedBy(broker: Broker): void {
    assertAbility(broker, `Schedule "${this.name}"`, "schedule");
    assertSupported(broker, this.task, this.#definition.config);
  }
}

function checkOptions(what: string, options: unknown): Required<ScheduleOptions> {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`${what}: the options must be { timezone, missed }, but got ${formatValue(options)}.`);
  const { timezone = "UTC", missed = "once", ...rest }: ScheduleOptions = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new DeclarationError(`${what} has no option ${JSON.stringify(unknown)}. It has timezone, missed.`);
  if (!policies.includes(missed))
    throw new DeclarationError(`${what}: missed must be "skip", "once" or "all", but got ${formatValue(missed)}.`);
  return { timezone, missed };
}

function checkTask(what: string, task: unknown): TaskDefinition {
  const definition = typeof task === "function" ? (definitionOf(task) as TaskDefinition | undefined) : undefined;
  if (definition === undefined)
    throw new DeclarationError(
      `${what} needs a task that was made by task("name", fn), so that workers can find it, but got ${formatValue(task)}.`,
    );
  if (definition.config.transaction !== undefined)
    throw new DeclarationError(
      `${what}: task "${definition.name}".with({ transaction }) cannot be scheduled, because a transaction ends and a schedule does not. Leave the transaction out.`,
    );
  return definition;
}

/** The arguments as jobs get them: what becomes of the originals later changes no job. */
function copyArguments(what: string, definition: TaskDefinition, args: unknown): readonly unknown[] {
  if (!Array.isArray(args))
    throw new DeclarationError(
      `${what}: the arguments must be an array, such as ["daily"], or [] for none, but got ${formatValue(args)}.`,
    );
  return declare(what, () => {
    const copy = JSON.parse(argumentsToJson(args, definition.name)) as readonly unknown[];
    // A schema that answers with a promise is asked again before each job runs.
    void checkArguments(definition, copy);
    return copy;
  });
}

function declare<T>(what: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw new DeclarationError(`${what}: ${error instanceof Error ? error.message : formatValue(error)}`, {
      cause: error,
    });
  }
}
