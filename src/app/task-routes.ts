import type { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { header } from "../params/header.ts";
import { path } from "../params/path.ts";
import { sse } from "../responses/sse.ts";
import type { SseEvent } from "../responses/sse-event.ts";
import type { Client } from "../tasks/client.ts";
import { currentClient } from "../tasks/current-client.ts";
import { isFinal, type Job } from "../tasks/job.ts";
import { Router } from "./router.ts";
import { checkFields, defaultFields, viewOf, type TaskField } from "./task-view.ts";

/** What {@link taskRoutes} takes. */
export interface TaskRoutesOptions {
  /** @defaultValue `"/tasks"` */
  readonly prefix?: string;
  /** Solved before each of the routes: who may see jobs is decided here. */
  readonly dependencies?: readonly Dependency<unknown>[];
  /** Whether `DELETE` cancels a job. @defaultValue false */
  readonly cancel?: boolean;
  /**
   * What is shown of a job. Arguments, stacks and logs are never shown unless they are named here.
   *
   * @defaultValue `["id", "name", "status", "progress", "result"]`
   */
  readonly fields?: readonly TaskField[];
}

/** So long an event stream waits for a hint before it asks the broker by itself. */
const pollMs = 1_000;

const refusals = {
  404: "There is no such task, or not any more",
  503: "The broker cannot be reached",
};

const streamed = {
  200: { description: "Server-sent events of type `status`", contentType: "text/event-stream" },
  204: "The task has ended, and its end was told",
};

const statusHandlers = new WeakSet<object>();

/** Whether a handler is the one that shows the status of a job. */
export function isStatusHandler(handler: unknown): boolean {
  return typeof handler === "function" && statusHandlers.has(handler);
}

/**
 * Routes by which a client follows the jobs that it was told of with a 202.
 *
 * - `GET /tasks/:id`: what is known of a job; 404 when it is not stored, or not any more.
 * - `GET /tasks/:id/events`: the same as server-sent events of type `status`, one at once and one for each change, until
 *   the job has ended; a browser that reconnects after that is told to stop (204).
 * - `DELETE /tasks/:id`, with `cancel: true`: cancels it; 409 when it had ended.
 *
 * Whoever knows an id may ask for it, unless `dependencies` say otherwise.
 *
 * @throws {DeclarationError} for an unknown option or field
 *
 * @example
 * ```ts
 * import { accepted, App, BackgroundTasks, sqlite, task, taskRoutes } from "afterword";
 *
 * const rebuild = task("rebuild", async () => "done");
 *
 * const app = new App({ broker: sqlite("tasks.db") });
 * app.include(taskRoutes({ cancel: true }));
 * app.post("/index", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(rebuild))); // Location: /tasks/…
 * ```
 */
export function taskRoutes(options: TaskRoutesOptions = {}): Router {
  const { prefix = "/tasks", dependencies = [], cancel = false, fields = defaultFields, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new DeclarationError(
      `taskRoutes() knows the options prefix, dependencies, cancel and fields, but got ${JSON.stringify(unknown)}.`,
    );
  checkFields(fields);
  const router = new Router({ prefix, tags: ["tasks"], dependencies });
  const show = async ({ id }: { readonly id: string }): Promise<unknown> =>
    viewOf(await findJob(currentClient(), id), fields);
  statusHandlers.add(show);
  router.get("/:id", { summary: "The status of a task", responses: refusals }, { id: path() }, show);
  router.get(
    "/:id/events",
    { summary: "The status of a task, whenever it changes", responses: { ...refusals, ...streamed } },
    { id: path(), last: header({ alias: "Last-Event-ID" }), signal: AbortSignal },
    async ({ id, last, signal }) => {
      const client = currentClient();
      const job = await findJob(client, id);
      // https://html.spec.whatwg.org/multipage/server-sent-events.html: 204 ends the reconnecting.
      if (isFinal(job.status) && last === "end") return new Response(null, { status: 204 });
      return sse(events(client, job, fields, AbortSignal.any([signal, client.closing])));
    },
  );
  if (cancel) {
    const options = { summary: "Cancel a task", responses: { ...refusals, 409: "The task has ended already" } };
    router.delete("/:id", options, { id: path() }, async ({ id }) => {
      const client = currentClient();
      await findJob(client, id);
      const isCanceled = await client.cancel(id, "canceled by a client");
      if (!isCanceled) throw new HTTPException(409, "The task has ended already.");
      return viewOf(await findJob(client, id), fields);
    });
  }
  return router;
}

async function findJob(client: Client, id: string): Promise<Job> {
  const job = await client.find(id);
  if (job) return job;
  throw new HTTPException(404, "There is no such task, or not any more.");
}

/** What is shown of a job, now and whenever that changes, until it has ended. */
async function* events(
  client: Client,
  first: Job,
  fields: readonly TaskField[],
  signal: AbortSignal,
): AsyncGenerator<SseEvent> {
  let wake = (): void => {};
  const unsubscribe = client.broker.subscribe((ids) => {
    if (ids === undefined || ids.includes(first.id)) wake();
  });
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    let shown = "";
    for (let job: Job | undefined = first; job && !signal.aborted;) {
      const view = viewOf(job, fields);
      const text = JSON.stringify(view);
      const hasEnded = isFinal(job.status);
      if (text !== shown || hasEnded) yield { event: "status", data: view, ...(hasEnded && { id: "end" }) };
      if (hasEnded) return;
      shown = text;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      // The browser has gone; or the server closes, and the browser comes back to whoever serves then.
      if (!signal.aborted) job = await client.find(first.id);
    }
  } finally {
    unsubscribe();
  }
}
