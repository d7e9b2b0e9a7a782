// Plain node:http with durable mails: stored before the answer leaves, tried again while the mail server is away, and sent although
// the process was killed.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/frameworks/node/app.ts
//   curl -X POST "http://127.0.0.1:8000/users?email=foo@example.com"
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sqlite, task } from "afterword";
import { backgroundTasks } from "afterword/node";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const background = await backgroundTasks({ broker: sqlite("tasks.db") }).open();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  if (request.method !== "POST" || pathname !== "/users") return void response.writeHead(404).end();
  background(request, response).addTask(sendWelcome, String(searchParams.get("email")));
  response.writeHead(202, { "content-type": "application/json" });
  response.end(JSON.stringify({ message: "A mail is on its way" }));
});

server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () =>
  console.log(`Serving on http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
process.once("SIGTERM", () => server.close(() => void background.close()));
