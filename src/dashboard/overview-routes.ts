import { hostname } from "node:os";
import { Router } from "../app/router.ts";
import type { BackgroundAnswer, DashboardInfo, HistoryAnswer, QueuesAnswer, WorkerView } from "./dashboard-types.ts";
import { assertAble, type Dashboard } from "./dashboard.ts";

/** So many running jobs are looked up for the list of workers. */
const maxRunning = 500;

/** What there is to see at a glance. */
export function overviewRoutes(dashboard: () => Dashboard): Router {
  const router = new Router({ prefix: "/api" });
  router.get("/info", (): DashboardInfo => {
    const { broker, config, openedAt, localTasks } = dashboard();
    return {
      broker: broker.name,
      abilities: [...broker.supports],
      isReadOnly: config.isReadOnly,
      isDurable: broker.isDurable,
      hasBackground: localTasks !== undefined,
      watchingSince: openedAt,
      host: hostname(),
      pid: process.pid,
      now: Date.now(),
    };
  });
  router.get("/queues", async (): Promise<QueuesAnswer> => {
    assertAble(dashboard().broker.supports.has("list"), "cannot count jobs", dashboard());
    return dashboard().sampler.counts();
  });
  router.get("/history", (): HistoryAnswer => dashboard().sampler.history.all());
  router.get("/workers", async (): Promise<readonly WorkerView[]> => {
    const { broker, views } = dashboard();
    const [workers, running] = await Promise.all([
      broker.workers(),
      broker.supports.has("list") ? broker.list({ filter: { statuses: ["running"] }, limit: maxRunning }) : undefined,
    ]);
    const jobs = Map.groupBy(running?.jobs ?? [], ({ worker }) => worker);
    return workers.map((worker) => ({
      ...worker,
      jobs: (jobs.get(worker.id) ?? []).map((job) => views.summary(job)),
    }));
  });
  router.get("/background", (): BackgroundAnswer => {
    const { localTasks } = dashboard();
    assertAble(localTasks !== undefined, "is shown without an app, which would have background tasks", dashboard());
    return localTasks!.answer();
  });
  return router;
}
