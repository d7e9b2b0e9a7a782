// One app for many machines: some processes serve it, others run its jobs, and the environment says where jobs are kept.
// README.md beside this file says how to start all of it.
//
//   export AFTERWORD_BROKER=redis://127.0.0.1:6379      (or postgres://user:password@127.0.0.1:5432/app)
//   afterword run app.ts --port 8001
//   afterword worker app.ts --concurrency 4
//   curl -i -X POST http://127.0.0.1:8001/videos/cat.mp4
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { accepted, App, BackgroundTasks, currentTask, path, task, taskRoutes } from "afterword";

const stepMs = Number(process.env.STEP_MS ?? 1000);
const steps = 5;

/** Slow, and harmless when it is run twice: a job whose worker has died is run again from its beginning. */
export const encode = task("encode", { timeout: "5m" }, async (video: string) => {
  const { progress, signal } = currentTask();
  const me = `${hostname()} ${process.pid}`;
  console.log(`${video} starts`);
  for (let step = 1; step <= steps; step++) {
    await setTimeout(stepMs, undefined, { signal }); // stands for the work
    progress(step / steps);
  }
  console.log(`${video} is done`);
  return { video, by: me };
});

// No broker here: AFTERWORD_BROKER names it. Without one, jobs are in memory, and `afterword worker` refuses to start.
const app = new App({ title: "Videos", background: { drainTimeout: "25s" } });

app.include(taskRoutes({ cancel: true })); // GET /tasks/:id answers in every process, whichever has stored the job

app.post("/videos/:name", { name: path(), tasks: BackgroundTasks }, ({ name, tasks }) =>
  accepted(tasks.addTask(encode, name)),
);

/** How much waits and runs, and who works; 503 while the broker is away. */
app.get("/", async () => ({
  broker: app.broker.name,
  queues: await app.broker.counts(),
  workers: (await app.broker.workers()).map(({ host, pid, slots, running }) => ({ host, pid, slots, running })),
}));

export default app;
