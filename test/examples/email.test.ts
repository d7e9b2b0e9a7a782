import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { afterEach, expect, test } from "vitest";
import { createGate, openAllGates, type Gate } from "../support/gate.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

const servers = new Set<SMTPServer>();

afterEach(async () => {
  openAllGates();
  for (const server of servers) await new Promise<void>((resolve) => server.close(() => resolve()));
  servers.clear();
});

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly source: string;
}

/** A mail server that says that it has taken a mail only when its gate is open. */
async function startMailServer(accepting: Gate): Promise<{ url: string; arrived: Mail[]; accepted: Mail[] }> {
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
      await accepting.opened;
      accepted.push(mail);
      callback();
    },
  });
  servers.add(server);
  const listener = server.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return { url: `smtp://127.0.0.1:${(listener.address() as AddressInfo).port}`, arrived, accepted };
}

const invite = (email: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ email }),
});

test("the client has its answer before the mail server has taken the mail", async () => {
  const accepting = createGate();
  const { url, arrived, accepted } = await startMailServer(accepting);
  const example = await runExample("email", { SMTP_URL: url });

  // The gate is shut until the whole answer is here: an endpoint that waited for the mail would never answer.
  const answer = await within(example.fetch("/invitations", invite("foo@example.com")), 10_000, "the answer");
  expect([answer.status, await answer.json()]).toEqual([202, { message: "The invitation is on its way" }]);
  expect(accepted).toEqual([]);

  await waitUntil(() => arrived.length === 1, { what: "the mail arrives" });
  expect(accepted).toEqual([]);
  accepting.open();
  await waitUntil(() => accepted.length === 1, { what: "the mail is taken" });
  expect(accepted[0]).toMatchObject({ from: "no-reply@example.com", to: ["foo@example.com"] });
  expect(accepted[0]!.source).toContain("Subject: You are invited\r\n");
  expect(accepted[0]!.source).toContain("Come and see what happens after the response.");
  expect(await example.stop()).toBe(0);
  expect(example.stderr).toBe("");
});

test("a shutdown waits for the mail that is being sent", async () => {
  const accepting = createGate();
  const { url, arrived, accepted } = await startMailServer(accepting);
  const example = await runExample("email", { SMTP_URL: url });
  expect((await example.fetch("/invitations", invite("foo@example.com"))).status).toBe(202);
  await waitUntil(() => arrived.length === 1, { what: "the mail arrives" });

  const stopped = example.stop();
  await waitUntil(
    () =>
      example.fetch("/").then(
        () => false,
        () => true,
      ),
    { what: "the example stops listening" },
  );
  expect(example.hasExited).toBe(false);
  accepting.open();
  expect(await stopped).toBe(0);
  expect(accepted).toHaveLength(1);
});

test("no mail is sent to what is no address", async () => {
  const { url, arrived } = await startMailServer(createGate());
  const example = await runExample("email", { SMTP_URL: url });
  expect((await example.fetch("/invitations", invite("foo"))).status).toBe(422);
  expect(await example.stop()).toBe(0);
  expect(arrived).toEqual([]);
});
