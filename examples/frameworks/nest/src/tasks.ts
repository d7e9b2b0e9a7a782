import { task } from "afterword";
import { provider } from "afterword/nest";
import { Mailer } from "./mailer.js";

export const sendInvitation = task(
  "send-invitation",
  { attempts: 10 },
  { mailer: provider(Mailer) },
  ({ mailer }, email: string) => mailer.invite(email),
);
