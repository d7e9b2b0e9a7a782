import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { createGate, openAllGates } from "../support/gate.ts";
import { jobsAtRest } from "../support/jobs-at-rest.ts";
import { startMailServer, stopMailServers } from "../support/mail-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { endPrograms, serveProgram, type ServeCommand } from "./served-program.ts";

const fixture = join(import.meta.dirname, "fixtures/served.ts");
const cache = join(import.meta.dirname, "../../.cache");
const example = join(import.meta.dirname, "../../examples/frameworks/fetch/app.ts");

/** Tests through the server of another runtime. */
export function describeServing(command: ServeCommand): void {
  afterEach(async () => {
    openAllGates();
    await endPrograms();
    await stopMailServers();
  });

  const headers = { "x-asked-by": "the test" };

  describe.each(["fetch", "hono", "app"])("its server, through %s", (which) => {
    test("runs tasks after the response, and drains them at SIGTERM", { timeout: 120_000 }, async () => {
      const program = await serveProgram(command, fixture, { WHICH: which });
      for (const path of ["/hello", "/nothing"]) {
        expect((await program.fetch(path, { headers })).ok).toBe(true);
        await program.tells(`task of ${path}, client gone: false, asked by the test`);
      }
      expect(await (await program.fetch("/stream", { headers })).text()).toBe("chunk chunk chunk ");
      await program.tells("task of /stream, client gone: false, asked by the test");
      expect(program.events.slice(-3)).toEqual([
        "handler of /stream",
        "last chunk",
        "task of /stream, client gone: false, asked by the test",
      ]);
      expect(await (await program.fetch("/slow")).text()).toBe("at once");
      expect(program.events).not.toContain("slow task ended");
      expect(await program.stop()).toBe(0);
      expect(program.events).toContain("slow task ended");
    });

    test("runs tasks of clients that went away", { timeout: 120_000 }, async () => {
      const program = await serveProgram(command, fixture, { WHICH: which });
      await hangUp(`${program.url}/endless`, headers, (response) => response.once("data", () => response.destroy()));
      await program.tells("task of /endless, client gone: true, asked by the test");
      const late = await hangUp(`${program.url}/late`, headers);
      await program.tells("handler of /late");
      late.destroy();
      await waitUntil(() => program.events.some((event) => event.startsWith("task of /late")), { withinMs: 20_000 });
      // app.fetch asks for the signal only when somebody wants it, and Deno's knows nothing of what was before.
      if (which !== "app") expect(program.events).toContain("task of /late, client gone: true, asked by the test");
    });
  });

  test("keeps a mail while the mail server is away, although it is killed", { timeout: 120_000 }, async () => {
    const mailPort = await freePort();
    const env = { SMTP_URL: `smtp://127.0.0.1:${mailPort}` };
    // Deno finds packages from where it was started.
    mkdirSync(cache, { recursive: true });
    const directory = mkdtempSync(join(cache, "hosts-"));
    try {
      const first = await serveProgram(command, example, env, directory);
      const answer = await first.fetch("/users?email=foo@example.com", { method: "POST" });
      expect([answer.status, await answer.json()]).toEqual([202, { message: "A mail is on its way" }]);
      await waitUntil(() => first.stderr.includes("ECONNREFUSED"), { withinMs: 20_000, what: "an attempt fails" });
      await jobsAtRest(join(directory, "tasks.db"));
      await first.kill();

      const accepting = createGate();
      accepting.open();
      const { accepted } = await startMailServer(accepting, mailPort);
      const second = await serveProgram(command, example, env, directory);
      await waitUntil(() => accepted.length > 0, { withinMs: 40_000, what: "the mail is taken" });
      expect(await second.stop()).toBe(0);
    } finally {
      await endPrograms();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

type Outgoing = ReturnType<typeof httpGet>;

async function hangUp(
  url: string,
  headers: Record<string, string>,
  onResponse?: (response: IncomingMessage) => void,
): Promise<Outgoing> {
  const request = httpGet(url, { headers, agent: false });
  request.on("error", () => {});
  if (onResponse) request.on("response", (response) => void onResponse(response.on("error", () => {})));
  return request;
}
