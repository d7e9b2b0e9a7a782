// One task that belongs to one response: make a BackgroundTask yourself and let the response carry it.
//
//   node --conditions=afterword-source examples/background-task.ts
//   curl -X POST "http://127.0.0.1:8000/users?email=foo@example.com"
import { App, BackgroundTask, json, query } from "afterword";
import * as z from "zod";

const app = new App();

async function welcome(email: string) {
  console.log(`Welcome, ${email}`);
}

app.post("/users", { email: query(z.email()) }, ({ email }) =>
  json({ created: email }, { status: 201, background: new BackgroundTask(welcome, email) }),
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
