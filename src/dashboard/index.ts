/**
 * A page on which people see what the jobs of a broker do, and act.
 *
 * @packageDocumentation
 */
import type { App } from "../app/app.ts";
import { DashboardApp } from "./dashboard-app.ts";
import { toDashboardConfig, type DashboardOptions } from "./options.ts";

export type { DashboardAuth, DashboardOptions, Mask, MaskContext } from "./options.ts";

/**
 * An app that shows queues, jobs, schedules, workers and errors of a broker, for `app.mount()`, or for `listen()` by itself.
 * What the broker is not able to do is not on the page. Mounted in an app it shows that app's background tasks too.
 *
 * Without `auth` it answers only requests that come from this machine itself, by a loopback address, for a local name and
 * through no proxy. Changes need a header of the page's own and must come from the page; nothing is loaded from elsewhere.
 *
 * It begins to remember when it is opened, in memory: charts start there. The broker is asked every 15 seconds, and while a
 * page is open every second, or less often: the pause is three hundred times as long as the answer took.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value. When it opens: an `AfterwordError` with code `no_broker` when
 *   there is neither an app that mounts it nor a broker
 *
 * @example
 * ```ts
 * import { App, basic, constantTimeEqual, dependency, HTTPException } from "afterword";
 * import { dashboard } from "afterword/dashboard";
 *
 * const secret = process.env.OPERATOR_PASSWORD;
 * const operator = dependency({ credentials: basic() }, ({ credentials: { password } }) => {
 *   if (!secret || !constantTimeEqual(password, secret))
 *     throw new HTTPException(401, "Wrong password", { "www-authenticate": "Basic" });
 * });
 *
 * const app = new App();
 * app.mount("/dashboard", dashboard({ auth: operator }));
 * ```
 */
export function dashboard(options: DashboardOptions = {}): App {
  return new DashboardApp(toDashboardConfig(options));
}
