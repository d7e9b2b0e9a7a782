// Koa with durable mails: stored before the answer leaves, tried again while the mail server is away, and sent although the process
// was killed.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/frameworks/koa/app.ts
//   curl -X POST "http://127.0.0.1:8000/users?email=foo@example.com"
import type { AddressInfo } from "node:net";
import { sqlite, task } from "afterword";
import { backgroundTasks } from "afterword/koa";
import Koa from "koa";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const app = new Koa();
const background = await backgroundTasks({ broker: sqlite("tasks.db") }).open();
app.use(background);

app.use((ctx) => {
  if (ctx.method !== "POST" || ctx.path !== "/users") return;
  ctx.tasks.addTask(sendWelcome, String(ctx.query.email));
  ctx.status = 202;
  ctx.body = { message: "A mail is on its way" };
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () =>
  console.log(`Serving on http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
process.once("SIGTERM", () => server.close(() => void background.close()));
