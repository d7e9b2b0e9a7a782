// `memory.ts <task | named> <port> <file>`: a server that tells what it holds.
import { App, BackgroundTasks, path, task } from "afterword";
import { sqlite } from "afterword/sqlite";
import * as z from "zod";

const [way, port, file] = process.argv.slice(2);
const counts = { requests: 0, tasks: 0 };

function writeLog(_message: string): void {
  counts.tasks++;
}

const named = task("write-log", writeLog);

const app = way === "named" ? new App({ broker: sqlite(file!), worker: { concurrency: 100 } }) : new App();

app.get("/memory", () => {
  globalThis.gc!();
  const { heapUsed, rss } = process.memoryUsage();
  return { ...counts, heap: heapUsed, resident: rss, handles: process.getActiveResourcesInfo().length };
});

app.post("/send-notification/:email", { email: path(z.email()), tasks: BackgroundTasks }, ({ email, tasks }) => {
  counts.requests++;
  tasks.addTask(way === "named" ? named : writeLog, `message to ${email}\n`);
  return { message: "Message sent" };
});

await app.listen({ port: Number(port) });
