// A fetch handler with durable mails, the same file for Bun and Deno: stored before the answer leaves, tried again while the mail
// server is away, and sent although the process was killed.
//
//   SMTP_URL=smtp://127.0.0.1:2525 PORT=8000 bun --conditions=afterword-source examples/frameworks/fetch/app.ts
//   SMTP_URL=smtp://127.0.0.1:2525 deno serve -A --port 8000 --conditions=afterword-source examples/frameworks/fetch/app.ts
//   curl -X POST "http://127.0.0.1:8000/users?email=foo@example.com"
import { sqlite, task } from "afterword";
import { withBackgroundTasks } from "afterword/fetch";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const handler = withBackgroundTasks(
  (request, tasks) => {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/users") return new Response("Not found", { status: 404 });
    tasks.addTask(sendWelcome, String(searchParams.get("email")));
    return Response.json({ message: "A mail is on its way" }, { status: 202 });
  },
  { broker: sqlite("tasks.db") },
);

export default { fetch: await handler.open() };

process.once("SIGTERM", () => void handler.close().then(() => process.exit()));
