import type { App } from "../../app/app.ts";
import type { FromServer } from "./messages.ts";

/** Whoever waits for a server to close wants to know for what, after so long and again every so often. */
const firstMs = 200;
const everyMs = 5_000;

/** Tells what a closing app still does, until the process ends. */
export function tellWaiting(app: App, processes: number, tell: (message: FromServer) => void): void {
  const look = async (): Promise<void> => {
    tell({ afterword: "waits", tasks: countTasks(app), jobs: processes === 1 ? await countJobs(app) : 0 });
    setTimeout(look, everyMs).unref();
  };
  setTimeout(look, firstMs).unref();
}

function countTasks({ background }: App): number {
  let count = background.pending;
  for (const request of background.active) count += Array.from(request.running).length;
  return count;
}

/** Those that run, if nobody else runs jobs of this broker. */
async function countJobs(app: App): Promise<number> {
  if (!app.runsJobs) return 0;
  // The broker may close meanwhile.
  const counts = await app.broker.counts().catch(() => []);
  return counts.reduce((sum, { queued, running }) => sum + running + (app.broker.isDurable ? 0 : queued), 0);
}
