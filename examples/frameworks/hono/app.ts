// Hono with durable mails: stored before the answer leaves, tried again while the mail server is away, and sent although the process
// was killed.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/frameworks/hono/app.ts
//   curl -X POST http://127.0.0.1:8000/users -H "content-type: application/json" -d '{"email":"foo@example.com"}'
import { serve } from "@hono/node-server";
import { sqlite, task } from "afterword";
import { backgroundTasks } from "afterword/hono";
import { Hono } from "hono";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const app = new Hono();
const background = await backgroundTasks({ broker: sqlite("tasks.db") }).open();
app.use(background);

app.post("/users", async (c) => {
  const { email } = await c.req.json<{ email: string }>();
  c.var.tasks.addTask(sendWelcome, email);
  return c.json({ message: "A mail is on its way" }, 202);
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8000), hostname: "127.0.0.1" }, ({ port }) =>
  console.log(`Serving on http://127.0.0.1:${port}`),
);
process.once("SIGTERM", () => server.close(() => void background.close()));
