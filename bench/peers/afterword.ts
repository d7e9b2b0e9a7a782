// Afterword, as the README writes it.
import { App, BackgroundTasks, dependency, path, query } from "afterword";
import * as z from "zod";
import { counts, part, port, writeLog } from "./work.ts";

const app = new App();

app.get("/counts", () => counts);

const getQuery = dependency({ q: query(z.string().optional()), tasks: BackgroundTasks }, ({ q, tasks }) => {
  if (q) tasks.addTask(writeLog, `found query: ${q}\n`);
  return q;
});

if (part === "p1")
  app.post("/send-notification/:email", { email: path(z.email()), tasks: BackgroundTasks }, ({ email, tasks }) => {
    counts.requests++;
    tasks.addTask(writeLog, `message to ${email}\n`);
    return { message: "Message sent" };
  });
else
  app.post(
    "/send-notification/:email",
    { email: path(z.email()), q: getQuery, tasks: BackgroundTasks },
    ({ email, tasks }) => {
      counts.requests++;
      tasks.addTask(writeLog, `message to ${email}\n`);
      return { message: "Message sent" };
    },
  );

await app.listen({ port });
