import { dependency, Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { HTTPException } from "../internal/http-exception.ts";
import type { Broker } from "../tasks/broker.ts";
import { assertBroker } from "../tasks/shared-broker.ts";

/** Of which job a value is shown. */
export interface MaskContext {
  /** Whether the value is the array of arguments, or the result. */
  readonly field: "args" | "result";
  readonly id: string;
  readonly task: string;
  readonly queue: string;
}

/**
 * What is shown in place of a job's arguments or result.
 *
 * @param value - the parsed JSON value, for it to keep or to copy with changes
 */
export type Mask = (value: unknown, context: MaskContext) => unknown;

/**
 * Who may see and use the dashboard: a dependency, such as one that checks `basic()` credentials and throws an
 * `HTTPException`, or a function of the request. `false` is answered with 403.
 */
export type DashboardAuth = Dependency<unknown> | ((request: Request) => boolean | PromiseLike<boolean>);

/** What {@link dashboard} takes. */
export interface DashboardOptions {
  /**
   * Whose jobs it shows.
   *
   * @defaultValue that of the app that mounts it; without one, what the environment variable `AFTERWORD_BROKER` names
   */
  readonly broker?: Broker;
  /**
   * Who may see and use it.
   *
   * @defaultValue whoever asks from this machine itself, by a loopback address and without a proxy between; all others get 403
   */
  readonly auth?: DashboardAuth;
  /** Whether it only shows: whatever would change something is refused. @defaultValue false */
  readonly readOnly?: boolean;
  /** What is shown in place of arguments and results. @defaultValue they are shown as they are */
  readonly mask?: Mask;
}

/** The options, decided. */
export interface DashboardConfig {
  readonly broker: Broker | undefined;
  /** Solved before each route; `undefined`: only loopback. */
  readonly auth: Dependency<unknown> | undefined;
  readonly isReadOnly: boolean;
  readonly mask: Mask | undefined;
}

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toDashboardConfig(options: DashboardOptions): DashboardConfig {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(
      `dashboard() expects options such as { auth, readOnly: true }, but got ${formatValue(options)}.`,
    );
  const { broker, auth, readOnly = false, mask, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new DeclarationError(
      `dashboard() knows the options broker, auth, readOnly and mask, but got ${JSON.stringify(unknown)}.`,
    );
  if (broker !== undefined) assertBroker(broker, "dashboard(): broker");
  if (typeof readOnly !== "boolean")
    throw new DeclarationError(`dashboard(): readOnly must be true or false, but got ${formatValue(readOnly)}.`);
  if (mask !== undefined && typeof mask !== "function")
    throw new DeclarationError(`dashboard(): mask must be a function (value, context), but got ${formatValue(mask)}.`);
  return { broker, auth: toDependency(auth), isReadOnly: readOnly, mask };
}

function toDependency(auth: unknown): Dependency<unknown> | undefined {
  if (auth === undefined || auth instanceof Dependency) return auth;
  if (typeof auth !== "function")
    throw new DeclarationError(
      `dashboard(): auth must be a dependency or a function of the request that returns true or false, but got ${formatValue(auth)}.`,
    );
  const allows = auth as (request: Request) => unknown;
  return dependency({ request: Request }, async function auth({ request }) {
    const answer: unknown = await allows(request);
    if (answer === true) return;
    if (answer === false) throw new HTTPException(403, "You may not use this dashboard.");
    // Whatever else it is, it is no permission.
    throw new TypeError(
      `The auth function of dashboard() must return true or false, or throw an HTTPException, but it returned ${formatValue(answer)}.`,
    );
  });
}
