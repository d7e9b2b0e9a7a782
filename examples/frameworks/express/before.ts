// A sign-up as many Express apps have it: the mail is sent beside the answer. If the mail server is away, or the process ends,
// nobody gets it. after.ts is the same app with three more lines.
//
//   SMTP_URL=smtp://127.0.0.1:2525 node examples/frameworks/express/before.ts
//   curl -X POST http://127.0.0.1:8000/users -H "content-type: application/json" -d '{"email":"foo@example.com"}'
import type { AddressInfo } from "node:net";
import express from "express";
import { createTransport } from "nodemailer";

const transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

const sendWelcome = async (to: string) => {
  await transport.sendMail({ from: "no-reply@example.com", to, subject: "Welcome", text: "Good to have you here." });
};

const app = express();
app.use(express.json());

app.post("/users", (req, res) => {
  sendWelcome(req.body.email).catch(console.error);
  res.status(202).json({ message: "A mail is on its way" });
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => {
  console.log(`Serving on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
