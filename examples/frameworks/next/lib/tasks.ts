import { task } from "afterword";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

export const sendInvitation = task("send-invitation", { attempts: 10 }, async (email: string) => {
  await transport.sendMail({
    from: "Afterword <no-reply@example.com>",
    to: email,
    subject: "You are invited",
    text: "Come and see what happens after the response.",
  });
});
