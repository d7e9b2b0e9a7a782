import { BackgroundTask } from "../background/background-task.ts";
import { formatValue } from "../internal/format-value.ts";
import { isResponse } from "../internal/platform.ts";
import { attachBackground } from "./attached-background.ts";

/**
 * Attaches a task to a response: it runs when the response has left, after the tasks of the request itself. Called again,
 * it adds to what is attached already, in order.
 *
 * The task is bound to this very object. Return it, or let a middleware return it; a copy that you make of it does not
 * carry the task.
 *
 * @returns the same response
 * @throws {TypeError} when one of the arguments is something else
 *
 * @example
 * ```ts
 * import { App, BackgroundTask, withBackground } from "afterword";
 *
 * const app = new App();
 * const count = (path: string) => console.log(`${path} was proxied`);
 *
 * app.get("/weather", async () => {
 *   const response = await fetch("https://example.com/weather.json");
 *   return withBackground(response, new BackgroundTask(count, "/weather"));
 * });
 * ```
 */
export function withBackground<R extends Response>(response: R, task: BackgroundTask): R {
  if (!isResponse(response))
    throw new TypeError(`withBackground(response, task) expects a Response first, but got ${formatValue(response)}.`);
  if (!(task instanceof BackgroundTask))
    throw new TypeError(
      `A response's background must be a BackgroundTask or a BackgroundTasks, but got ${formatValue(task)}. Write new BackgroundTask(fn, ...args).`,
    );
  attachBackground(response, task);
  return response;
}
