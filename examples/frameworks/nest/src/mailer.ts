import { Injectable, type OnApplicationShutdown } from "@nestjs/common";
import { createTransport } from "nodemailer";

@Injectable()
export class Mailer implements OnApplicationShutdown {
  private readonly transport = createTransport(process.env.SMTP_URL ?? "smtp://127.0.0.1:2525");

  async invite(email: string) {
    await this.transport.sendMail({
      from: "Afterword <no-reply@example.com>",
      to: email,
      subject: "You are invited",
      text: "Come and see what happens after the response.",
    });
  }

  onApplicationShutdown() {
    this.transport.close();
  }
}
