// The app of before.ts with durable mails: stored before the answer leaves, tried again while the mail server is away, and sent although the
// process was killed. Three lines are new, and two say it in other words: the function has a name, and is added to req.tasks.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/frameworks/express/after.ts
//   curl -X POST http://127.0.0.1:8000/users -H "content-type: application/json" -d '{"email":"foo@example.com"}'
import type { AddressInfo } from "node:net";
import { sqlite, task } from "afterword";
import { backgroundTasks } from "afterword/express";
import express from "express";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const app = express();
app.use(await backgroundTasks({ broker: sqlite("tasks.db") }).open());
app.use(express.json());

app.post("/users", (req, res) => {
  req.tasks.addTask(sendWelcome, req.body.email);
  res.status(202).json({ message: "A mail is on its way" });
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => {
  console.log(`Serving on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
