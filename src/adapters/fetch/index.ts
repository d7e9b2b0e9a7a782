/**
 * Background tasks for any fetch handler: Bun, Deno, Workers-like hosts.
 *
 * @packageDocumentation
 */
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { AdapterHost, withControl, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { FetchExchange, type FetchHost } from "../core/fetch-exchange.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

/** A fetch handler that is also given the tasks of its request, before whatever its host passes. */
export type FetchHandlerWithTasks<Host extends unknown[]> = (
  request: Request,
  tasks: BackgroundTasks,
  ...host: Host
) => Response | Promise<Response>;

/** What a host calls. */
export type HandlerWithControl<Host extends unknown[]> = ((request: Request, ...host: Host) => Promise<Response>) &
  BackgroundTasksControl;

/**
 * A fetch handler whose requests have background tasks: they start when the body of the response has been read to its end,
 * and are handed to `waitUntil` if one of the host's arguments has it. A response with named tasks is held back until these
 * are stored, and is a 503 if they are not.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { withBackgroundTasks } from "afterword/fetch";
 *
 * export default {
 *   fetch: withBackgroundTasks((request, tasks) => {
 *     tasks.addTask(console.log, `served ${request.url}`);
 *     return new Response("at once");
 *   }),
 * };
 * ```
 */
export function withBackgroundTasks<Host extends unknown[]>(
  handler: FetchHandlerWithTasks<Host>,
  options?: BackgroundTasksOptions,
): HandlerWithControl<Host> {
  if (typeof handler !== "function")
    throw new DeclarationError(`withBackgroundTasks() expects a handler first, but got ${formatValue(handler)}.`);
  const host = new AdapterHost("withBackgroundTasks()", options);
  return withControl(async (request: Request, ...rest: Host) => {
    await host.ready();
    const exchange = new FetchExchange(host, request, hostOf(rest));
    (request as { [resolverKey]?: FetchExchange })[resolverKey] = exchange;
    return host.run(() => exchange.answer(() => handler(request, exchange.list, ...rest)));
  }, host);
}

/** Workers pass `(request, env, context)`, others `(request, context)`, Deno `(request, info)`. */
function hostOf(rest: readonly unknown[]): FetchHost {
  return rest.findLast(isFetchHost) ?? {};
}

function isFetchHost(value: unknown): value is FetchHost {
  const { waitUntil, completed } = (value ?? {}) as { readonly waitUntil?: unknown; readonly completed?: unknown };
  return typeof waitUntil === "function" || completed instanceof Promise;
}
