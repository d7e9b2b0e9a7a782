import { Router } from "../app/router.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { body } from "../params/body.ts";
import { path } from "../params/path.ts";
import type { Broker } from "../tasks/broker.ts";
import { assertAble, type Dashboard } from "./dashboard.ts";
import type { ChangeAnswer, CountAnswer } from "./dashboard-types.ts";
import { search, toSearch } from "./job-search.ts";

/** What may be done to jobs. */
const actions = ["retry", "cancel", "remove"] as const;
type Action = (typeof actions)[number];

/** So many jobs are changed or counted by one request: whoever wants more asks again, and sees how far it is. */
const stepSize = 500;

/** Everything that changes jobs and queues. */
export function actionRoutes(dashboard: () => Dashboard): Router {
  const router = new Router({ prefix: "/api" });
  router.post("/jobs/count", { request: body() }, async ({ request }): Promise<CountAnswer> => {
    const { filter, after } = toObject(request);
    const { jobs, next } = await find(dashboard(), filter, after);
    return { count: jobs.length, next };
  });
  for (const action of actions)
    router.post(`/jobs/${action}`, { request: body() }, async ({ request }): Promise<ChangeAnswer> => {
      const { broker, sampler } = dashboard();
      const needed = action === "cancel" ? "results" : "list";
      assertAble(broker.supports.has(needed), `cannot ${action} jobs`, dashboard());
      const { ids, filter, after } = toObject(request);
      const found = ids === undefined ? await find(dashboard(), filter, after) : undefined;
      const chosen = found?.jobs.map(({ id }) => id) ?? toIds(ids);
      const results = chosen.length === 0 ? [] : await change(broker, action, chosen);
      sampler.forget();
      const changed = results.filter(Boolean).length;
      return { changed, skipped: chosen.length - changed, next: found?.next };
    });
  for (const verb of ["pause", "resume"] as const)
    router.post(`/queues/:queue/${verb}`, { status: 204 }, { queue: path() }, async ({ queue }) => {
      const { broker, sampler } = dashboard();
      assertAble(broker.supports.has("pause"), "cannot hold queues", dashboard());
      await broker[verb]({ queue });
      sampler.forget();
      return new Response(null, { status: 204 });
    });
  return router;
}

async function find({ broker, views }: Dashboard, filter: unknown, after: unknown): ReturnType<typeof search> {
  if (after !== undefined && typeof after !== "string") throw new HTTPException(422, "after must be a text.");
  return search(broker, views, toSearch(toObject(filter ?? {})), { limit: stepSize, after });
}

async function change(broker: Broker, action: Action, ids: readonly string[]): Promise<readonly boolean[]> {
  if (action !== "cancel") return broker[action]({ ids });
  const results = await broker.cancel({ ids, reason: "canceled on the dashboard" });
  return results.map((result) => result === "canceled" || result === "requested");
}

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new HTTPException(422, 'Expected a JSON object, such as { "ids": [] } or { "filter": {} }.');
}

function toIds(ids: unknown): readonly string[] {
  if (Array.isArray(ids) && ids.length <= stepSize && ids.every((id) => typeof id === "string")) return ids;
  throw new HTTPException(422, `ids must be an array of up to ${stepSize} texts.`);
}
