import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { endChildren, type ChildApp } from "../support/child-app.ts";
import { startCli } from "../support/cli.ts";
import { endPythons, startPython } from "../support/python.ts";
import { takeRedisDatabase } from "../support/redis-database.ts";
import { withCelery } from "../support/test-servers.ts";

const folder = new URL("../../examples/celery/", import.meta.url);
const patienceMs = 40_000;

afterEach(async () => {
  await endChildren();
  await endPythons();
});

withCelery("the shop of Python and TypeScript, on Redis", { timeout: 120_000 }, () => {
  test("runs each half's tasks there, whichever half calls them", async () => {
    const url = await takeRedisDatabase();
    const env = { AFTERWORD_BROKER: `celery+${url}`, CELERY_BROKER_URL: url };
    const python = (...args: readonly string[]) => startPython(args, { cwd: folder, env });
    const afterword = (...args: readonly string[]): ChildApp => startCli(args, { cwd: fileURLToPath(folder), env });

    // The terminals of README.md, with ports that are free and names that the test can wait for.
    const celery = python("-m", "celery", "-A", "shop", "worker", "--loglevel=INFO");
    const worker = afterword("worker", "app.ts");
    const server = afterword("run", "app.ts", "--host", "127.0.0.1", "--port", "0");
    await Promise.all([
      celery.prints(/ ready\.$/m, patienceMs),
      worker.line(/^Worker ready: .* of queues default, images, on celery/m, patienceMs),
    ]);
    const base = await server.line(/http:\/\/127\.0\.0\.1:\d+/, patienceMs);

    const answer = await fetch(`${base}/orders/17?customer=Ada`, { method: "POST" });
    expect(answer.status).toBe(202);
    await celery.prints(/Task shop\.invoice\[\S+\] succeeded/, patienceMs);
    const task = new URL(answer.headers.get("location")!, base);
    await expect
      .poll(() => fetch(task).then((shown) => shown.json()), { timeout: patienceMs })
      .toMatchObject({
        name: "shop.invoice",
        status: "succeeded",
        result: "invoice-17.pdf for Ada",
      });

    expect(await python("shop.py", "cat.png").result(patienceMs)).toBe("300-cat.png\n");
    await worker.line(/^cat\.png becomes 300 pixels wide$/m);
    expect(celery.output).not.toContain("shop.thumbnail");
  });
});

test("the guide shows these files", () => {
  const page = readFileSync(new URL("../../docs/guide/celery.md", import.meta.url), "utf8");
  for (const [language, name] of [
    ["python shop.py", "shop.py"],
    ["ts", "app.ts"],
  ] as const)
    expect(page).toContain(`\`\`\`${language}\n${readFileSync(new URL(name, folder), "utf8")}\`\`\`\n`);
});
