// The second app of FastAPI's tutorial page "Background Tasks": a dependency and the endpoint share one list of tasks.
//
//   node --conditions=afterword-source examples/tutorial002.ts
//   curl -X POST "http://127.0.0.1:8000/send-notification/foo@example.com?q=some-query"
import { appendFile } from "node:fs/promises";
import { App, BackgroundTasks, dependency, path, query } from "afterword";
import * as z from "zod";

const app = new App({ title: "Notifications", version: "1.0.0" });

const writeLog = (message: string) => appendFile("log.txt", message);

const getQuery = dependency({ q: query(z.string().optional()), tasks: BackgroundTasks }, ({ q, tasks }) => {
  if (q) tasks.addTask(writeLog, `found query: ${q}\n`);
  return q;
});

app.post(
  "/send-notification/:email",
  { email: path(z.email()), q: getQuery, tasks: BackgroundTasks },
  ({ email, tasks }) => {
    tasks.addTask(writeLog, `message to ${email}\n`);
    return { message: "Message sent" };
  },
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
