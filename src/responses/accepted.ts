import type { TaskHandle } from "../background/added-task.ts";
import { json } from "./json.ts";
import type { ResponseOptions } from "./response-options.ts";

/**
 * 202 Accepted: the work was taken on and is not done yet.
 *
 * For a task, the body is `{ "id": …, "status": "queued" }`: it starts when this response has left.
 *
 * @example
 * ```ts
 * import { accepted, App, BackgroundTasks } from "afterword";
 *
 * const rebuild = async () => console.log("rebuilding");
 *
 * new App().post("/index", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(rebuild)));
 * ```
 */
export function accepted(handle: TaskHandle, init?: ResponseOptions): Response;
/**
 * 202 Accepted with any JSON as its body; `null` if there is nothing to say.
 *
 * @throws {AfterwordError} with code `unserializable_response` for what JSON cannot take
 */
export function accepted(content?: unknown, init?: ResponseOptions): Response;
export function accepted(content?: unknown, init?: ResponseOptions): Response {
  return json(isTaskHandle(content) ? { id: content.id, status: "queued" } : content, {
    ...init,
    status: init?.status ?? 202,
  });
}

/** Looks for `done` without reading it: to ask for that promise is to make it. */
function isTaskHandle(value: unknown): value is TaskHandle {
  if (typeof value !== "object" || value === null || !("done" in value)) return false;
  const { id, name, cancel } = value as Partial<TaskHandle>;
  return typeof id === "string" && typeof name === "string" && typeof cancel === "function";
}
