// Answer first, send the mail afterwards, through a real SMTP server: set SMTP_URL to yours.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node --conditions=afterword-source examples/email.ts
//   curl -X POST http://127.0.0.1:8000/invitations \
//     -H "content-type: application/json" -d '{"email":"foo@example.com"}'
import { App, BackgroundTasks, accepted, body } from "afterword";
import { createTransport } from "nodemailer";
import * as z from "zod";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

async function sendInvitation(email: string) {
  await transport.sendMail({
    from: "Afterword <no-reply@example.com>",
    to: email,
    subject: "You are invited",
    text: "Come and see what happens after the response.",
  });
}

const app = new App({
  title: "Invitations",
  async *lifespan() {
    yield;
    transport.close();
  },
});

app.post(
  "/invitations",
  { invitation: body(z.object({ email: z.email() })), tasks: BackgroundTasks },
  ({ invitation, tasks }) => {
    tasks.with({ timeout: "30s" }).addTask(sendInvitation, invitation.email);
    return accepted({ message: "The invitation is on its way" });
  },
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
