import { afterEach, expect, test } from "vitest";
import { createGate, openAllGates } from "../support/gate.ts";
import { startMailServer, stopMailServers } from "../support/mail-server.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

afterEach(async () => {
  openAllGates();
  await stopMailServers();
});

const invite = (email: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ email }),
});

test("the client has its answer before the mail server has taken the mail", async () => {
  const accepting = createGate();
  const { url, arrived, accepted } = await startMailServer(accepting);
  // On a busy machine a turn of the event loop may take long.
  const example = await runExample("email", { SMTP_URL: url, NODE_OPTIONS: "--disable-warning=AFTERWORD_BLOCKED" });

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
  expect(example.complaints).toEqual([]);
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
