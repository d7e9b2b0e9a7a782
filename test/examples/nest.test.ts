import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";
import { sqlite } from "afterword";
import ts from "typescript-5";
import { readBlocks, root } from "../docs/read-blocks.ts";
import { endChildren, startChild, type ChildApp } from "../support/child-app.ts";
import { freePort } from "../support/free-port.ts";
import { startMailServer, stopMailServers } from "../support/mail-server.ts";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";

const folder = join(root, "examples/frameworks/nest");
const sources = globSync("src/*.ts", { cwd: folder });
const output = join(root, ".cache/examples/nest");

/** Decorators must be compiled. `npm run types` has checked the example. */
beforeAll(() => {
  rmSync(output, { recursive: true, force: true });
  for (const source of sources) {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, source), "utf8"), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    const path = join(output, source.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, outputText);
  }
});

afterEach(async () => {
  await stopMailServers();
  await endChildren();
  await removeTempDirectories();
});

async function start(cwd: string, mailPort: number): Promise<{ child: ChildApp; url: string }> {
  const child = startChild(pathToFileURL(join(output, "src/main.js")), {
    cwd,
    env: { PORT: "0", SMTP_URL: `smtp://127.0.0.1:${mailPort}` },
  });
  const line = await child.line(/^Serving on \S+$/m, 30_000);
  return { child, url: line.replace("Serving on ", "").replace("[::1]", "localhost") };
}

const invite = (url: string, email: string): Promise<Response> =>
  fetch(`${url}/invitations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email }),
  });

async function scheduledIn(file: string): Promise<number> {
  const broker = sqlite(file);
  await broker.open();
  const counts = await broker.counts();
  await broker.close();
  return counts.reduce((sum, { scheduled }) => sum + scheduled, 0);
}

test("the mail is sent after the answer, and a signal ends the app in good order", { timeout: 60_000 }, async () => {
  const mail = await startMailServer();
  const { child, url } = await start(await createTempDirectory(), mail.port);
  const answer = await invite(url, "ada@example.com");
  expect([answer.status, await answer.json()]).toEqual([
    202,
    { id: expect.any(String), message: "The invitation is on its way" },
  ]);
  await waitUntil(() => mail.received.length === 1, { withinMs: 15_000, what: "the mail arrives" });
  expect(mail.received).toEqual(["ada@example.com"]);
  child.signal("SIGTERM");
  expect(await child.exit(30_000)).toMatchObject({ signal: "SIGTERM" });
});

test("the mail outlives a mail server that is away and an app that is killed", { timeout: 90_000 }, async () => {
  const directory = await createTempDirectory();
  const port = await freePort();
  const first = await start(directory, port);
  expect((await invite(first.url, "ada@example.com")).status).toBe(202);
  // Its worker has given it back: no lease has to run out after the blow.
  await waitUntil(() => scheduledIn(join(directory, "tasks.db")).then((count) => count === 1), {
    withinMs: 20_000,
    what: "the job waits for its next attempt",
  });
  await first.child.kill();
  const mail = await startMailServer(undefined, port);
  await start(directory, port);
  await waitUntil(() => mail.received.length > 0, { withinMs: 45_000, what: "the mail arrives" });
  expect(mail.received).toEqual(["ada@example.com"]);
});

test("its page shows what runs here", () => {
  const shown = new Map(
    readBlocks("docs/guide/frameworks/nest.md").map(({ fileName, code }) => [fileName, code.replace(/^\/\/ .*\n/, "")]),
  );
  for (const source of sources) expect(shown.get(source)).toBe(readFileSync(join(folder, source), "utf8"));
});
