import { Router } from "../app/router.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { path } from "../params/path.ts";
import type { Broker, JobPage } from "../tasks/broker.ts";
import type { Job } from "../tasks/job.ts";
import { assertAble, type Dashboard } from "./dashboard.ts";
import type { DeadAnswer, JobDetail, JobsPage } from "./dashboard-types.ts";
import { groupErrors } from "./error-groups.ts";
import { readFlow } from "./flow-view.ts";
import { search, toSearch } from "./job-search.ts";

const defaultLimit = 50;
const maxLimit = 200;
/** So many failed jobs are looked at for one answer about errors, in parts, */
const maxExamined = 2_000;
const examinedAtOnce = 100;
/** unless the next part is likely to take longer than that: then it is answered with what there is. */
const examinedMs = 80;

/** Jobs: lists, one, and what the failed ones have failed of. */
export function jobRoutes(dashboard: () => Dashboard): Router {
  const router = new Router({ prefix: "/api" });
  router.get("/jobs", { request: Request }, async ({ request }): Promise<JobsPage> => {
    const { broker, views } = dashboard();
    assertAble(broker.supports.has("list"), "cannot list jobs", dashboard());
    const { limit = defaultLimit, after, ...fields } = fieldsOf(request);
    const found = await search(broker, views, toSearch(fields), {
      limit: toLimit(limit),
      after: after === undefined || after === "" ? undefined : after,
    });
    return { jobs: found.jobs.map((job) => views.summary(job)), next: found.next };
  });
  router.get("/jobs/:id", { id: path() }, async ({ id }): Promise<JobDetail> => {
    const { broker, views } = dashboard();
    assertAble(broker.supports.has("results"), "keeps no state of its jobs", dashboard());
    const [job] = await broker.get({ ids: [id] });
    if (job === undefined)
      throw new HTTPException(
        404,
        "There is no such job, or not any more: jobs are forgotten some time after their end (keepResult, keepFailed).",
      );
    return views.detail(job, await readFlow(broker, job));
  });
  router.get("/dead", { request: Request }, async ({ request }): Promise<DeadAnswer> => {
    const { broker } = dashboard();
    assertAble(broker.supports.has("list"), "cannot list jobs", dashboard());
    const { after } = fieldsOf(request);
    const { jobs, next } = await examine(broker, after === "" ? undefined : after);
    return { groups: groupErrors(jobs), examined: jobs.length, next };
  });
  return router;
}

/** As many failed jobs as can be looked at in a moment. */
async function examine(broker: Broker, after: string | undefined): Promise<JobPage> {
  const startedMs = performance.now();
  let parts = 0;
  let likelyMs = 0;
  const jobs: Job[] = [];
  let next = after;
  do {
    const page = await broker.list({ filter: { statuses: ["failed"] }, limit: examinedAtOnce, after: next });
    jobs.push(...page.jobs);
    next = page.next;
    parts++;
    likelyMs = ((performance.now() - startedMs) / parts) * (parts + 1);
  } while (next !== undefined && jobs.length < maxExamined && likelyMs < examinedMs);
  return { jobs, next };
}

function fieldsOf(request: Request): Readonly<Record<string, string>> {
  return Object.fromEntries(new URL(request.url).searchParams);
}

function toLimit(value: string | number): number {
  const limit = Number(value);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw new HTTPException(422, `limit must be a whole number from 1 to ${maxLimit}.`);
  return limit;
}
