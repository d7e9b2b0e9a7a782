// Fastify with durable mails: stored before the answer leaves, tried again while the mail server is away, and sent although the
// process was killed.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/frameworks/fastify/app.ts
//   curl -X POST http://127.0.0.1:8000/users -H "content-type: application/json" -d '{"email":"foo@example.com"}'
import { sqlite, task } from "afterword";
import { backgroundTasks } from "afterword/fastify";
import Fastify from "fastify";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = task("send-welcome", { attempts: 20 }, async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
});

const fastify = Fastify();
await fastify.register(backgroundTasks, { broker: sqlite("tasks.db") });

fastify.post<{ Body: { email: string } }>("/users", async (request, reply) => {
  request.tasks.addTask(sendWelcome, request.body.email);
  return reply.code(202).send({ message: "A mail is on its way" });
});

const url = await fastify.listen({ port: Number(process.env.PORT ?? 8000), host: "127.0.0.1" });
console.log(`Serving on ${url}`);
process.once("SIGTERM", () => void fastify.close());
