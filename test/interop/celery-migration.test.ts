import { fileURLToPath, pathToFileURL } from "node:url";
import { Client, remoteTask } from "afterword";
import { celery } from "afterword/celery";
import { redis as redisBroker } from "afterword/redis";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AppFolder } from "../cli/app-folder.ts";
import { readBlocks } from "../docs/read-blocks.ts";
import { endChildren, type ChildApp } from "../support/child-app.ts";
import { startCli } from "../support/cli.ts";
import { endPythons, startPython, type PythonProcess } from "../support/python.ts";
import { takeRedisDatabase } from "../support/redis-database.ts";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { withCelery } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";

const patienceMs = 40_000;
const wait = { timeout: "30s" } as const;

/** What the page tells the reader to write, in the order of its steps. */
const blocks = readBlocks("docs/guide/celery.md");
const pythonParts = blocks.filter(({ fileName }) => fileName === "tasks.py").map(({ code }) => code);
const moved = blocks.find(({ fileName, code }) => fileName === "app.ts" && code.includes("task("))!.code;
const clock = blocks.find(({ fileName }) => fileName === "clock.ts")!.code;

const resize = remoteTask<[file: string, width: number], string>("tasks.resize", { queue: "celery" });
const resizeHere = remoteTask<[file: string, width: number], string>("tasks.resize", { queue: "typescript" });

withCelery("an app of Celery's that is moved by the steps of the guide", { timeout: 180_000 }, () => {
  let url: string;
  let env: Readonly<Record<string, string>>;
  let folder: AppFolder;

  beforeEach(async () => {
    url = await takeRedisDatabase();
    env = { AFTERWORD_BROKER: `celery+${url}`, CELERY_BROKER_URL: url };
    folder = await AppFolder.create({ "tasks.py": pythonParts.join("\n"), "app.ts": moved, "clock.ts": clock });
  });
  afterEach(async () => {
    await endChildren();
    await endPythons();
    await removeTempDirectories();
  });

  const cwd = (): URL => pathToFileURL(`${folder.path}/`);
  const python = (...args: readonly string[]): PythonProcess => startPython(args, { cwd: cwd(), env });
  const call = async (expression: string): Promise<string> =>
    (await python("-c", `import tasks; print(tasks.${expression}.get(timeout=30))`).result(patienceMs)).trim();

  async function startCelery(...args: readonly string[]): Promise<PythonProcess> {
    const worker = python("-m", "celery", "-A", "tasks", "worker", "--loglevel=INFO", ...args);
    await worker.prints(/ ready\.$/m, patienceMs);
    return worker;
  }

  async function startWorker(file = "app.ts", own: Readonly<Record<string, string>> = {}): Promise<ChildApp> {
    const worker = startCli(["worker", file], { cwd: fileURLToPath(cwd()), env: { ...env, ...own } });
    await worker.line(/^Worker ready/m, patienceMs);
    return worker;
  }

  /** The tasks that a worker of Celery's has run. */
  const ranBy = (worker: PythonProcess): readonly string[] =>
    Array.from(worker.output.matchAll(/Task (\S+)\[\S+\] succeeded/g), ([, name]) => name!);

  async function withRedisClient<T>(use: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(url);
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  it("step 1: stubs run Python's tasks, and nothing changes there", async () => {
    await folder.write("tasks.py", pythonParts[0]);
    const worker = await startCelery();
    await using client = new Client({ broker: celery(url) });
    const job = await client.run(() => resize.enqueue("cat.png", 300));
    expect(await job.result(wait)).toBe("300-cat.png");
    await worker.prints(/Task tasks\.resize\[\S+\] succeeded/, patienceMs);
    const registered = await python("-m", "celery", "-A", "tasks", "inspect", "registered").result(patienceMs);
    expect(registered).toMatch(/tasks\.publish\n.*tasks\.report\n.*tasks\.resize/);
  });

  it("steps 2 and 3: a task is moved by one line, and chains go across", async () => {
    // Sent before the line: Python's function runs it.
    await folder.write("tasks.py", pythonParts[0]);
    await python("-c", "import tasks; tasks.resize.delay('old.png', 1)").result(patienceMs);
    await folder.write("tasks.py", pythonParts.join("\n"));
    const [worker] = await Promise.all([startCelery(), startWorker()]);
    await worker.prints(/Task tasks\.resize\[\S+\] succeeded/, patienceMs);

    expect(await call("resize.delay('cat.png', 300)")).toBe("300-cat.png");
    expect(await call("show('cat.png')")).toBe("https://cdn.example.com/300-cat.png");
    await worker.prints(/Task tasks\.publish\[\S+\] succeeded/, patienceMs);
    expect(ranBy(worker)).toEqual(["tasks.resize", "tasks.publish"]);

    // Both parts moved, and only one of them known to whoever sends: the worker that has run the first knows the queue of the second.
    const both = moved.replace(/export const publish = [^;]*;/, (stub) =>
      stub
        .replace(/remoteTask<.*?>\(/, "task(")
        .replace('"celery" }', '"typescript" }, async (file: string) => `https://typescript.example.com/${file}`'),
    );
    expect(both).toContain("typescript.example.com");
    await endChildren();
    await folder.write("app.ts", both);
    await startWorker();
    expect(await call("show('dog.png')")).toBe("https://typescript.example.com/300-dog.png");
    expect(ranBy(worker)).toEqual(["tasks.resize", "tasks.publish"]);
  });

  it("step 4: beat goes by the routes, and a clock with a broker of its own takes its place", async () => {
    const often = 'app.conf.beat_schedule["nightly"]["schedule"] = 1.0\n';
    const routes = 'app.conf.task_routes["tasks.report"] = {"queue": "typescript"}\n';
    await folder.write("tasks.py", [...pythonParts, often, routes].join("\n"));
    const own = moved.replace(
      /export const report = [^;]*;/,
      'export const report = task("tasks.report", { queue: "typescript" }, (kind: string) => console.log(`${kind} by TypeScript`));',
    );
    await folder.write("app.ts", own);
    const worker = await startWorker();
    const beat = python("-m", "celery", "-A", "tasks", "beat", "-s", "beat.db", "--pidfile=");
    await worker.line(/^daily by TypeScript$/m, patienceMs);
    await beat.end("SIGTERM");

    await folder.write("tasks.py", pythonParts[0]);
    const celeryWorker = await startCelery();
    const ticking = await startWorker("clock.ts", { AFTERWORD_BROKER: "", NIGHTLY: "* * * * * *" });
    await ticking.line(/ was sent$/m, patienceMs);
    await celeryWorker.prints(/succeeded in \S+: 'the daily report of Python'/, patienceMs);
  });

  it("step 5: the worker of Python stops when its queue is empty, and a broker of our own takes over", async () => {
    const [old, worker] = await Promise.all([startCelery("-Q", "celery"), startWorker()]);
    expect(await call("publish.delay('cat.png')")).toBe("https://cdn.example.com/cat.png");
    await waitUntil(() => withRedisClient(async (client) => (await client.hlen("unacked")) === 0), {
      withinMs: patienceMs,
    });
    expect(await withRedisClient((client) => client.llen("celery"))).toBe(0);
    await old.end("SIGTERM");
    await folder.write(
      "send.py",
      'from tasks import app\nprint(app.send_task("tasks.resize", args=["cat.png", 1]).get(timeout=30))\n',
    );
    expect(await python("send.py").result(patienceMs)).toBe("1-cat.png\n");

    // What was stored before runs from the old queue, and what comes now from the new one.
    worker.signal("SIGTERM");
    expect(await worker.exit(patienceMs)).toMatchObject({ code: 0 });
    const next = await takeRedisDatabase();
    await using before = new Client({ broker: celery(url) });
    const waiting = await before.run(() => resizeHere.enqueue("before.png", 1));
    await Promise.all([startWorker(), startWorker("app.ts", { AFTERWORD_BROKER: next })]);
    await using after = new Client({ broker: redisBroker(next) });
    const later = await after.run(() => resizeHere.enqueue("after.png", 1));
    expect(await waiting.result(wait)).toBe("1-before.png");
    expect(await later.result(wait)).toBe("1-after.png");
  });
});
