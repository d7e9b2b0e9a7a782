import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import type { Gate } from "./gate.ts";

const servers = new Set<SMTPServer>();

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly source: string;
}

export interface MailServer {
  readonly url: string;
  readonly port: number;
  /** Mails that have come. */
  readonly arrived: Mail[];
  /** Mails whose senders know that they were taken. */
  readonly accepted: Mail[];
  /** The addresses that these are for, in their order. */
  readonly received: readonly string[];
}

/** Stops the mail servers that a test has left running. */
export async function stopMailServers(): Promise<void> {
  for (const server of servers) await new Promise<void>((resolve) => server.close(() => resolve()));
  servers.clear();
}

/** A mail server that says that it has taken a mail only when its gate is open; without one, at once. */
export async function startMailServer(accepting?: Gate, port = 0): Promise<MailServer> {
  const arrived: Mail[] = [];
  const accepted: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    async onData(stream, { envelope }, callback) {
      const mail: Mail = {
        from: envelope.mailFrom ? envelope.mailFrom.address : "",
        to: envelope.rcptTo.map(({ address }) => address),
        source: await text(stream),
      };
      arrived.push(mail);
      await accepting?.opened;
      accepted.push(mail);
      callback();
    },
  });
  // A client that is killed breaks its connection.
  server.on("error", () => {});
  servers.add(server);
  const listener = server.listen(port, "127.0.0.1");
  await once(listener, "listening");
  const { port: own } = listener.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${own}`,
    port: own,
    arrived,
    accepted,
    get received() {
      return accepted.flatMap(({ to }) => to);
    },
  };
}
