// The endpoint that answers when its task is safe: `promise.ts <way> <port> <file>`.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { App, BackgroundTasks, memory, path, sqlite, task } from "afterword";
import * as z from "zod";
import { BareSqlite } from "./bare-sqlite.ts";

const [way, port, file] = process.argv.slice(2);
const [kind, ...settings] = way!.split("-");

const counts = { requests: 0, tasks: 0 };
const writeLog = (_message: string): void => void counts.tasks++;
const sendNotification = task("sendNotification", writeLog);

const isDurable = kind === "sqlite";
const broker = isDurable ? sqlite(file!, { thread: !settings.includes("loop") }) : memory();
const app = new App({ broker, worker: settings.includes("worker") ? { concurrency: 50 } : false });
const bare = kind === "commit" ? new BareSqlite(file!) : undefined;
const delay = monitorEventLoopDelay({ resolution: 1 });

app.post("/send-notification/:email", { email: path(z.email()), tasks: BackgroundTasks }, ({ email, tasks }) => {
  counts.requests++;
  if (bare) bare.insert(1);
  else if (isDurable) tasks.addTask(sendNotification, `message to ${email}\n`);
  else tasks.addTask(writeLog, `message to ${email}\n`);
  return { message: "Message sent" };
});

/** All jobs that are stored, whether they have run or not. */
app.get("/counts", async () => {
  if (bare) counts.tasks = counts.requests;
  if (isDurable) {
    const [queue] = await broker.counts();
    counts.tasks = queue ? queue.queued + queue.running + queue.succeeded : 0;
  }
  return counts;
});

/** How long the event loop stood still since the last look, milliseconds. */
app.get("/delay", () => {
  const seen = { p99Ms: delay.percentile(99) / 1_000_000, maxMs: delay.max / 1_000_000 };
  delay.reset();
  return seen;
});

delay.enable();
await app.listen({ port: Number(port) });
