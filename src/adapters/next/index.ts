/**
 * Background tasks for Next 16, over its `after`.
 *
 * @packageDocumentation
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { headers } from "next/headers.js";
import type { NextRequest } from "next/server.js";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import type { BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { hostOf } from "./hosts.ts";
import { LooseExchange, NextExchange, type RouteContext } from "./next-exchange.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

/** A route handler that is also given the tasks of its request. */
export type RouteHandlerWithTasks<Context> = (
  request: NextRequest,
  tasks: BackgroundTasks,
  context: Context,
) => Response | Promise<Response>;

/** A server action that is given the tasks of its request before its own arguments. */
export type ActionWithTasks<A extends unknown[], R> = (tasks: BackgroundTasks, ...args: A) => R | Promise<R>;

const current = new AsyncLocalStorage<NextExchange>();

/**
 * A route handler whose requests have background tasks. They start when the response has left or the client has gone. A
 * response with named tasks is held back until these are stored, and is a 503 if they are not.
 *
 * Options belong to the whole app: hand the same object to all of its handlers.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { task } from "afterword";
 * import { withBackgroundTasks } from "afterword/next";
 *
 * const sendMail = task("send-mail", async (to: string) => console.log(`mail to ${to}`));
 *
 * export const POST = withBackgroundTasks(async (request, tasks) => {
 *   const { email } = await request.json();
 *   const { id } = tasks.addTask(sendMail, email);
 *   return Response.json({ id }, { status: 202 });
 * });
 * ```
 */
export function withBackgroundTasks<Context = { params: Promise<object> }>(
  handler: RouteHandlerWithTasks<Context>,
  options?: BackgroundTasksOptions,
): (request: NextRequest, context: Context) => Promise<Response> {
  assertFunction("withBackgroundTasks", handler);
  const host = hostOf(options);
  return async (request, context) => {
    await host.ready();
    const exchange = new NextExchange(host, request, context as RouteContext | undefined);
    (request as { [resolverKey]?: NextExchange })[resolverKey] = exchange;
    return current.run(exchange, () => host.run(() => exchange.answer(() => handler(request, exchange.list, context))));
  };
}

/**
 * A server action whose calls have background tasks. Named tasks are stored before it returns; when they cannot be, it throws.
 * A `redirect()` is no failure.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * "use server";
 * import { actionWithBackgroundTasks } from "afterword/next";
 *
 * export const invite = actionWithBackgroundTasks(async (tasks, form: FormData) => {
 *   tasks.addTask(console.log, `invited ${form.get("email")}`);
 * });
 * ```
 */
export function actionWithBackgroundTasks<A extends unknown[], R>(
  action: ActionWithTasks<A, R>,
  options?: BackgroundTasksOptions,
): (...args: A) => Promise<R> {
  assertFunction("actionWithBackgroundTasks", action);
  const host = hostOf(options);
  return async (...args) => {
    await host.ready();
    const exchange = new NextExchange(host, await requestOfAction());
    return current.run(exchange, () => host.run(() => exchange.act(() => action(exchange.list, ...args))));
  };
}

/**
 * The tasks of the request, anywhere on the server. In a wrapped handler or action, and in what it calls, it is their one
 * list. Elsewhere (pages, layouts, handlers that are not wrapped) each call gives a list of its own, which takes plain
 * functions only: nobody holds those responses back.
 *
 * @throws {Error} of Next outside a request
 *
 * @example
 * ```ts
 * import { backgroundTasks } from "afterword/next";
 *
 * export default async function Page() {
 *   backgroundTasks().addTask(console.log, "the page was shown");
 *   return "Hello";
 * }
 * ```
 */
export function backgroundTasks(options?: BackgroundTasksOptions): BackgroundTasks {
  const exchange = current.getStore();
  if (exchange) return exchange.list;
  const host = hostOf(options);
  // Those who need the broker wait for it.
  void host.ready();
  const loose = new LooseExchange(host, new Request("http://localhost/"));
  loose.handled();
  return loose.list;
}

/**
 * Opens the broker and starts the worker of this process, for `register()` in instrumentation.ts. Without it the first request
 * does so, and until then no job runs; import the modules of all named tasks before.
 *
 * @throws {AfterwordError} when the broker cannot be opened, or lacks what a task asks for
 *
 * @example
 * ```ts
 * // instrumentation.ts
 * export async function register() {
 *   if (process.env.NEXT_RUNTIME !== "nodejs") return;
 *   const { openBackgroundTasks } = await import("afterword/next");
 *   await openBackgroundTasks();
 * }
 * ```
 */
export function openBackgroundTasks(options?: BackgroundTasksOptions): Promise<BackgroundTasksControl> {
  return hostOf(options).open();
}

/** Next shows an action the headers alone. */
async function requestOfAction(): Promise<Request> {
  const given = new Headers(await headers());
  const url = URL.parse(given.get("referer") ?? `http://${given.get("host")}/`)?.href ?? "http://localhost/";
  return new Request(url, { method: "POST", headers: given });
}

function assertFunction(name: string, value: unknown): void {
  if (typeof value !== "function")
    throw new DeclarationError(`${name}() expects a function first, but got ${formatValue(value)}.`);
}
