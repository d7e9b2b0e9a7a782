import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { AppFolder, ask, isAlive, readyMs, type RunningCommand } from "./app-folder.ts";

keepTidy();

/** Its task ends when a file called gate is there. */
const app = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { App, BackgroundTasks } from "afterword";

appendFileSync("starts.log", Date.now() + "\\n");
if (existsSync("crash")) process.exit(7);

const app = new App({
  background: { drainTimeout: Number(process.env["DRAIN_TIMEOUT"] ?? 20_000) },
  async *lifespan() {
    console.log("up " + process.pid);
    yield;
    console.log("down " + process.pid);
  },
});

async function work() {
  console.log("starts " + process.pid);
  while (!existsSync("gate")) await delay(5);
  console.log("ends " + process.pid);
}

app.get("/", {}, () => ({ pid: process.pid }));
app.get("/url", { request: Request }, ({ request }) => ({ url: request.url }));
app.post("/work", { tasks: BackgroundTasks }, ({ tasks }) => {
  tasks.addTask(work);
  return { pid: process.pid };
});

export default app;
`;

const namedTask = `
import { App, task } from "afterword";

export const greet = task("greet", async () => {});
export default new App();
`;

const local = ["--host", "127.0.0.1", "--port", "0"];

async function serve(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const folder = await AppFolder.create({ "app.ts": app });
  const run = folder.start(["run", "app.ts", ...local, ...args], env);
  return { folder, run, url: await run.serving() };
}

/** Asks until so many processes have answered. */
async function pidsOf(url: string, count: number, path = "/", method = "GET"): Promise<readonly number[]> {
  const pids = new Set<number>();
  await waitUntil(async () => pids.add((await ask<{ pid: number }>(url, path, method)).pid).size === count, {
    withinMs: readyMs,
    what: `${count} processes have answered`,
  });
  return [...pids];
}

function linesOf(run: RunningCommand, word: string): readonly number[] {
  return run.process.lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(" ")[1]));
}

function sorted(numbers: readonly number[]): readonly number[] {
  return numbers.toSorted((a, b) => a - b);
}

describe("afterword run", () => {
  test.each([
    [[], "http://"],
    [["--proxy-headers"], "https://"],
    [["--proxy-headers", "--workers", "2"], "https://"],
  ])("%o sees the address that a proxy tells only if it is told to believe it", async (args, scheme) => {
    const { url } = await serve(args);
    const response = await fetch(new URL("/url", url), { headers: { "x-forwarded-proto": "https" } });
    expect(await response.json()).toEqual({ url: `${scheme}${new URL(url).host}/url` });
  });
});

describe("afterword run, with one worker,", () => {
  test("serves in its own process, and ends with 0 on SIGTERM when the background tasks have ended", async () => {
    const { folder, run, url } = await serve();
    const { pid } = await ask<{ pid: number }>(url, "/work", "POST");
    expect(run.process.lines[1]).toBe(`Serving at ${url} in process ${pid}. Ctrl+C stops it.`);
    await run.process.line(/^starts /m);
    run.process.signal("SIGTERM");
    await waitUntil(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
    expect(run.process.hasExited).toBe(false);
    await folder.write("gate");
    expect((await run.process.exit()).code).toBe(0);
    expect(run.process.lines.slice(-2)).toEqual([`ends ${pid}`, `down ${pid}`]);
    expect(run.process.complaints).toEqual([]);
  }, 60_000);

  test("ends with 1 and names what it lost", async () => {
    const { run, url } = await serve([], { DRAIN_TIMEOUT: "50" });
    await ask(url, "/work", "POST");
    run.process.signal("SIGTERM");
    expect((await run.process.exit()).code).toBe(1);
    expect(run.process.stderr).toMatch(/^Lost at shutdown: background task "work" \(was running/m);
  }, 60_000);

  test.each<[string, string, readonly (string | RegExp)[]]>([
    ["throws", 'throw new Error("no configuration");', ["app.ts:1:7", "Error: no configuration", "see above."]],
    ["has no app", "export const x = 1;", ["app.ts must export an App"]],
    [
      "cannot start, and keeps timers",
      'import { App } from "afterword";\nexport default new App({ async *lifespan() { throw new Error("no database"); } });\nsetInterval(() => {}, 1_000);',
      ["app.ts:2:52", "Error: no database", "The app of app.ts could not start: see above."],
    ],
  ])(
    "ends with 1 and says why, when the app %s",
    async (_, text, messages) => {
      const folder = await AppFolder.create({ "app.ts": text });
      const result = await runCli(["run", "app.ts", ...local], { cwd: folder.path, withinMs: readyMs });
      expect(result).toMatchObject({ code: 1, stdout: "" });
      for (const message of messages) expect(result.stderr).toMatch(message);
      expect(result.stderr).not.toMatch(/node:/);
    },
    60_000,
  );
});

describe("afterword run, with several workers,", () => {
  test("serves in as many processes, each with its lifespan, and names them", async () => {
    const { run, url } = await serve(["--workers", "3"]);
    const pids = await pidsOf(url, 3);
    expect(sorted(linesOf(run, "up"))).toEqual(sorted(pids));
    const said = /^Serving at \S+ in 3 processes: ([\d, ]+)\. Ctrl\+C stops them\.$/m.exec(run.process.stdout)!;
    expect(sorted(said[1]!.split(", ").map(Number))).toEqual(sorted(pids));
    run.process.signal("SIGTERM");
    expect((await run.process.exit()).code).toBe(0);
    expect(sorted(linesOf(run, "down"))).toEqual(sorted(pids));
    expect(run.process.complaints).toEqual([]);
  }, 60_000);

  test("lets the background tasks of every process end on SIGTERM, and ends with 0", async () => {
    const { folder, run, url } = await serve(["--workers", "2"]);
    const pids = await pidsOf(url, 2, "/work", "POST");
    run.process.signal("SIGTERM");
    for (const pid of pids)
      await run.process.line(new RegExp(`^Process ${pid}: Waiting for \\d+ background tasks?…$`, "m"));
    expect(linesOf(run, "ends")).toEqual([]);
    await folder.write("gate");
    expect((await run.process.exit()).code).toBe(0);
    expect(new Set(linesOf(run, "ends"))).toEqual(new Set(pids));
    expect(linesOf(run, "ends")).toHaveLength(linesOf(run, "starts").length);
    expect(sorted(linesOf(run, "down"))).toEqual(sorted(pids));
  }, 60_000);

  test("is not hurried by a signal that reaches every process, as Ctrl+C in a terminal does", async () => {
    const { folder, run, url } = await serve(["--workers", "2"]);
    const pids = await pidsOf(url, 2, "/work", "POST");
    run.process.signal("SIGINT");
    for (const pid of pids) await run.process.line(new RegExp(`^Process ${pid}: Waiting for`, "m"));
    for (const pid of pids) process.kill(pid, "SIGINT");
    await folder.write("gate");
    expect((await run.process.exit()).code).toBe(0);
    expect(linesOf(run, "ends")).toHaveLength(linesOf(run, "starts").length);
    expect(linesOf(run, "up")).toHaveLength(2);
  }, 60_000);

  test("ends with 1 when one of them has lost something, which it names", async () => {
    const { run, url } = await serve(["--workers", "2"], { DRAIN_TIMEOUT: "50" });
    await ask(url, "/work", "POST");
    run.process.signal("SIGTERM");
    expect((await run.process.exit()).code).toBe(1);
    expect(run.process.complaints).toEqual([expect.stringMatching(/^Lost at shutdown: background task "work"/)]);
  }, 60_000);

  test("ends at once with 1 on a second signal, and leaves no process behind", async () => {
    const { run, url } = await serve(["--workers", "2"]);
    const pids = await pidsOf(url, 2, "/work", "POST");
    run.process.signal("SIGTERM");
    await run.process.line(/Waiting for/);
    run.process.signal("SIGTERM");
    expect((await run.process.exit()).code).toBe(1);
    for (const pid of pids) await waitUntil(() => !isAlive(pid));
    expect(linesOf(run, "ends")).toEqual([]);
  }, 60_000);

  test("replaces a process that is killed, on the same port, and says so", async () => {
    const { run, url } = await serve(["--workers", "2"]);
    const [victim, other] = (await pidsOf(url, 2)) as [number, number];
    process.kill(victim, "SIGKILL");
    await run.complaint(new RegExp(`^Process ${victim} was killed by SIGKILL\\. Another starts\\.$`, "m"));
    const line = await run.process.line(/^Process \d+ serves in its place\.$/m, readyMs);
    const next = Number(line.split(" ")[1]);
    expect(sorted(await pidsOf(url, 2))).toEqual(sorted([other, next]));
    run.process.signal("SIGTERM");
    expect((await run.process.exit()).code).toBe(0);
  }, 60_000);

  test("keeps its port when all processes are killed at once", async () => {
    const { run, url } = await serve(["--workers", "2"]);
    for (const pid of await pidsOf(url, 2)) process.kill(pid, "SIGKILL");
    await run.process.line(/serves in its place\.[\s\S]*serves in its place\./, readyMs);
    expect(await pidsOf(url, 2)).toHaveLength(2);
  }, 60_000);

  test("replaces a process that somebody has told to end, which drains", async () => {
    const { folder, run, url } = await serve(["--workers", "2"]);
    const [told] = await pidsOf(url, 2, "/work", "POST");
    process.kill(told!, "SIGTERM");
    await folder.write("gate");
    await run.complaint(new RegExp(`^Process ${told} ended with exit code 0\\. Another starts\\.$`, "m"));
    expect(linesOf(run, "ends")).toContain(told);
    await run.process.line(/serves in its place/, readyMs);
  }, 60_000);

  test("waits longer and longer before it replaces processes that end again and again, and recovers", async () => {
    const { folder, run, url } = await serve(["--workers", "2"]);
    const [victim] = await pidsOf(url, 2);
    await folder.write("crash");
    process.kill(victim!, "SIGKILL");
    await run.complaint(/exit code 7 before it was ready\. Another starts in 1\.6 s\.$/m);
    await folder.remove("crash");
    await run.process.line(/serves in its place/, readyMs);
    const starts = readFileSync(join(folder.path, "starts.log"), "utf8").trimEnd().split("\n").map(Number);
    // Timers may be early by the part of a millisecond that clocks round away.
    expect(starts.at(-1)! - starts.at(-2)!).toBeGreaterThan(1_598);
    expect(run.process.stderr).toMatch(/^Process \d+ ended with exit code 7 before it was ready\. Another starts\.$/m);
    expect(await pidsOf(url, 2)).toHaveLength(2);
  }, 60_000);

  test("leaves no process behind when it is killed itself: each closes as on SIGTERM", async () => {
    const { folder, run, url } = await serve(["--workers", "2"]);
    const pids = await pidsOf(url, 2, "/work", "POST");
    run.process.signal("SIGKILL");
    await waitUntil(() => run.process.hasExited);
    expect(pids.filter(isAlive)).toEqual(pids);
    await folder.write("gate");
    for (const pid of pids) await waitUntil(() => !isAlive(pid), { withinMs: readyMs });
    await waitUntil(() => linesOf(run, "down").length === 2);
    expect(linesOf(run, "ends")).toHaveLength(linesOf(run, "starts").length);
  }, 60_000);
});

describe("afterword run, with workers that cannot start, ends with 1 and says once", () => {
  function times(text: string, part: string): number {
    return text.split(part).length - 1;
  }

  test("what every process throws", async () => {
    const folder = await AppFolder.create({ "app.ts": 'throw new Error("no configuration");' });
    const result = await runCli(["run", "app.ts", ...local, "--workers", "3"], { cwd: folder.path, withinMs: readyMs });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(times(result.stderr, "Error: no configuration")).toBe(1);
    expect(times(result.stderr, "could not be loaded")).toBe(1);
  }, 60_000);

  test("that a port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const folder = await AppFolder.create({ "app.ts": app });
    try {
      const args = ["run", "app.ts", "--host", "127.0.0.1", "--port", String(port), "--workers", "2"];
      const result = await runCli(args, { cwd: folder.path, withinMs: readyMs });
      expect(result.code).toBe(1);
      expect(times(result.stderr, `Port ${port} of 127.0.0.1 is taken by another program.`)).toBe(1);
    } finally {
      other.close();
    }
  }, 60_000);

  test("what one of them lacks, after it has closed the others", async () => {
    const folder = await AppFolder.create({
      "app.ts": `
import { closeSync, openSync } from "node:fs";
import { App } from "afterword";

export default new App({
  async *lifespan() {
    closeSync(openSync("only-one", "wx"));
    yield;
    console.log("closed");
  },
});
`,
    });
    const result = await runCli(["run", "app.ts", ...local, "--workers", "2"], { cwd: folder.path, withinMs: readyMs });
    expect(result).toMatchObject({ code: 1, stdout: "closed\n" });
    expect(times(result.stderr, "EEXIST: file already exists")).toBe(1);
  }, 60_000);

  test("how a process ended that said nothing", async () => {
    const folder = await AppFolder.create({ "app.ts": "process.exit(9);" });
    const result = await runCli(["run", "app.ts", ...local, "--workers", "2"], { cwd: folder.path, withinMs: readyMs });
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Process \d+ ended with exit code 9 before it was ready\.$/) as string,
    });
  }, 60_000);

  test("that named tasks in the memories of several processes would not know of each other", async () => {
    const folder = await AppFolder.create({ "app.ts": namedTask });
    const args = ["run", "app.ts", ...local, "--workers", "2"];
    const result = await runCli(args, { cwd: folder.path, withinMs: readyMs });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(times(result.stderr, "app.ts defines named tasks (greet) and keeps its jobs in memory")).toBe(1);
    expect(result.stderr).toContain("set AFTERWORD_BROKER=sqlite:tasks.db");
    expect(result.stderr).toContain('new App({ broker: sqlite("tasks.db") })');
  }, 60_000);
});

describe("afterword run serves named tasks", () => {
  test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
    ["in several processes that share a broker", ["--workers", "2"], { AFTERWORD_BROKER: "sqlite:tasks.db" }],
    ["in one process from memory", [], {}],
  ])(
    "%s",
    async (_, args, env) => {
      const folder = await AppFolder.create({ "app.ts": namedTask });
      const run = folder.start(["run", "app.ts", ...local, ...args], env);
      await run.serving();
      run.process.signal("SIGTERM");
      expect((await run.process.exit()).code).toBe(0);
    },
    60_000,
  );
});

describe("the environment stands in for flags of afterword run:", () => {
  test("host, port and workers", async () => {
    const folder = await AppFolder.create({ "app.ts": app });
    const env = { AFTERWORD_HOST: "127.0.0.1", AFTERWORD_PORT: "0", PORT: "http", AFTERWORD_WORKERS: "2" };
    const run = folder.start(["run", "app.ts"], env);
    expect(await run.serving()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(run.process.stdout).toContain("in 2 processes");
  }, 60_000);

  test("PORT counts where AFTERWORD_PORT is empty, and flags win", async () => {
    const folder = await AppFolder.create({ "app.ts": app });
    const env = { AFTERWORD_HOST: "192.0.2.1", AFTERWORD_PORT: "", PORT: "0", AFTERWORD_WORKERS: "2" };
    const run = folder.start(["run", "app.ts", "--host", "127.0.0.1", "--workers", "1"], env);
    expect(await run.serving()).toMatch(/^http:\/\/127\.0\.0\.1:(?!8000$)\d+$/);
    expect(run.process.stdout).toContain(" in process ");
  }, 60_000);

  test.each<[Readonly<Record<string, string>>, string]>([
    [{ PORT: "http" }, "'http' from env 'PORT' is invalid. Expected a whole number from 0 to 65535."],
    [{ AFTERWORD_PORT: "70000" }, "'70000' from env 'AFTERWORD_PORT' is invalid. Expected a whole number from 0 to"],
    [{ AFTERWORD_WORKERS: "many" }, "'many' from env 'AFTERWORD_WORKERS' is invalid. Expected a whole number of 1 or"],
    [{ AFTERWORD_PROXY_HEADERS: "maybe" }, 'AFTERWORD_PROXY_HEADERS must be 1 or 0, but is "maybe".'],
  ])(
    "%j ends with 2, what was expected and what came",
    async (env, message) => {
      const folder = await AppFolder.create({ "app.ts": app });
      const result = await runCli(["run", "app.ts"], { cwd: folder.path, env, withinMs: readyMs });
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain(message);
    },
    60_000,
  );
});
