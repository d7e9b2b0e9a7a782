import type { TaskHandle } from "../background/added-task.ts";
import { isJobHandle, type JobHandle } from "../tasks/job-handle.ts";
import { DeferredResponse } from "./deferred.ts";
import { json } from "./json.ts";
import type { ResponseOptions } from "./response-options.ts";
import { withBackground } from "./with-background.ts";

/**
 * 202 Accepted: the work was taken on and is not done yet.
 *
 * The body is `{ "id": …, "status": "queued" }`, or `"scheduled"` for a job with a delay. A function starts when this
 * response has left. For a named task it is sent when the job is stored, and `Location` is where its status can be asked
 * for, if the app includes `taskRoutes()`.
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
  const options = { ...init, status: init?.status ?? 202 };
  if (!isTaskHandle(content)) return json(content, options);
  if (!isJobHandle(content)) return json({ id: content.id, status: "queued" }, options);
  const response = new AcceptedJob(content, options);
  return options.background === undefined ? response : withBackground(response, options.background);
}

/** Rendered when the job is stored: then its id is that of the job which has its unique key. */
class AcceptedJob extends DeferredResponse {
  override readonly isLate = true;
  readonly #job: JobHandle;
  readonly #status: number;

  constructor(job: JobHandle, options: ResponseOptions & { readonly status: number }) {
    super(options.headers);
    this.#job = job;
    this.#status = options.status;
  }

  override async render(_: Request, locateJob?: (id: string) => string | undefined): Promise<Response> {
    const { id, initialStatus } = this.#job;
    const location = locateJob?.(id);
    const headers = new Headers(this.headers);
    if (location !== undefined && !headers.has("location")) headers.set("location", location);
    return json({ id, status: initialStatus ?? (await this.#job.status()) }, { status: this.#status, headers });
  }
}

/** Looks for `done` without reading it: to ask for that promise is to make it. */
function isTaskHandle(value: unknown): value is TaskHandle {
  if (typeof value !== "object" || value === null || !("done" in value)) return false;
  const { id, name, cancel } = value as Partial<TaskHandle>;
  return typeof id === "string" && typeof name === "string" && typeof cancel === "function";
}
