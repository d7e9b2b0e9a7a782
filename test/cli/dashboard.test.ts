import { join } from "node:path";
import { Client, sqlite } from "afterword";
import { describe, expect, test } from "vitest";
import type { DashboardInfo, JobsPage } from "../../src/dashboard/dashboard-types.ts";
import { runCli, startCli } from "../support/cli.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { greet } from "./fixtures/tasks.ts";

keepTidy();

const readyMs = 45_000;
const token = "long-and-secret";

async function folderWithJob(): Promise<{ readonly folder: string; readonly id: string }> {
  const folder = await createTempDirectory();
  await using client = new Client({ broker: sqlite(join(folder, "tasks.db")) });
  const { id } = await client.run(() => greet.enqueue("Ada"));
  return { folder, id };
}

describe("afterword dashboard", { timeout: 120_000 }, () => {
  test("serves the jobs of a broker to this machine, and ends with 0 on SIGTERM while a page is open", async () => {
    const { folder, id } = await folderWithJob();
    const child = startCli(["dashboard", "--broker", "sqlite:tasks.db", "--port", "0", "--read-only"], { cwd: folder });
    const line = await child.line(/^Dashboard of sqlite at http:\/\/127\.0\.0\.1:\d+\/ .*$/m, readyMs);
    const url = /http\S+/.exec(line)![0];
    expect(await (await fetch(url)).text()).toContain("<title>Afterword dashboard</title>");
    const info = (await (await fetch(`${url}api/info`)).json()) as DashboardInfo;
    expect(info).toMatchObject({ broker: "sqlite", isReadOnly: true, hasBackground: false });
    const { jobs } = (await (await fetch(`${url}api/jobs`)).json()) as JobsPage;
    expect(jobs.map((job) => job.id)).toEqual([id]);
    const refused = await fetch(`${url}api/jobs`, { headers: { "x-forwarded-for": "10.0.0.1" } });
    expect(refused.status).toBe(403);
    await refused.text();
    const stream = await fetch(`${url}api/events`);
    child.signal("SIGTERM");
    expect(await child.exit()).toMatchObject({ code: 0, signal: null });
    expect(await stream.text()).toContain("event: hello");
  });

  test("with a token it asks for it as a password, and takes it as a bearer token", async () => {
    const { folder } = await folderWithJob();
    const args = ["dashboard", "--broker", "sqlite:tasks.db", "--port", "0", "--host", "0.0.0.0"];
    const child = startCli(args, { cwd: folder, env: { AFTERWORD_DASHBOARD_TOKEN: token } });
    const line = await child.line(/^Dashboard of .*$/m, readyMs);
    const url = `http://127.0.0.1:${/:(\d+)\//.exec(line)![1]}/api/info`;
    const status = async (authorization?: string): Promise<number> => {
      const response = await fetch(url, authorization === undefined ? {} : { headers: { authorization } });
      await response.text();
      return response.status;
    };
    const login = (password: string): string => `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}`;
    const challenge = await fetch(url);
    expect(challenge.headers.get("www-authenticate")).toContain("Basic");
    await challenge.text();
    expect([await status(), await status(login("wrong")), await status("Bearer wrong")]).toEqual([401, 401, 401]);
    expect([await status(login(token)), await status(`Bearer ${token}`)]).toEqual([200, 200]);
  });

  test.each([
    ["0.0.0.0 without a token", ["--host", "0.0.0.0"], /others could reach it/],
    ["an address of the network without a token", ["--host", "192.168.1.7"], /others could reach it/],
    ["a token that can be guessed", ["--token", "short"], /12 characters/],
    ["no port", ["--port", "http"], /whole number/],
  ])("refuses %s", async (_, args, message) => {
    const { code, stderr } = await runCli(["dashboard", "--broker", "sqlite:tasks.db", ...args], {
      cwd: await createTempDirectory(),
      withinMs: readyMs,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test("refuses memory, which only its own process can see", async () => {
    const { code, stderr } = await runCli(["dashboard", "--broker", "memory:"], { withinMs: readyMs });
    expect([code, stderr]).toEqual([2, expect.stringContaining("only be seen by their own process")]);
  });
});
