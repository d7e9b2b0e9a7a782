import { BackgroundTasks, chain, currentTask, task } from "afterword";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import {
  ablePlaces,
  onCelery,
  onCeleryOnRabbitmq,
  onRabbitmqAlone,
  onSqlite,
  openStage,
  type Stage,
} from "../dashboard/setup.ts";
import { dropTemplate } from "../brokers/postgres-setup.ts";
import { createGate } from "../support/gate.ts";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { hasBrowser, openBrowser, openPage, withoutBrowser, type WatchedPage } from "./browser.ts";

/** Works as soon as somebody has mended what was broken. */
const shop = { isBroken: true };
const charge = task("charge", { attempts: 1 }, async (customer: string, _amount: number) => {
  if (shop.isBroken) throw Object.assign(new Error(`The bank of ${customer} is closed`), { code: "bank_closed" });
  return { charged: customer };
});
/** Runs until somebody opens its gate. */
const bakery = { gate: createGate() };
const bake = task("bake", async (cake: string) => {
  const { signal, progress } = currentTask();
  progress(0.5, "in the oven");
  await Promise.race([
    bakery.gate.opened,
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  ]);
  return { baked: cake };
});
const markup = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">';
const hostile = task(`hostile ${markup}`, { attempts: 1 }, async (text: string) => {
  throw new Error(`cannot read ${text}`);
});

const patience = { timeout: 30_000 };

function textOf(page: Page, selector = "main"): Promise<string> {
  return page.$eval(selector, (element) => (element as HTMLElement).innerText);
}

async function shows(page: Page, text: string, selector = "main"): Promise<void> {
  await page.waitForFunction(
    (where: string, what: string) => document.querySelector<HTMLElement>(where)?.innerText.includes(what),
    patience,
    selector,
    text,
  );
}

describe.skipIf(!hasBrowser)(`the dashboard in a browser${withoutBrowser}`, { timeout: 120_000 }, () => {
  let browser: Browser;
  const pages: WatchedPage[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);

  afterEach(async () => {
    for (const { page } of pages.splice(0)) await page.close();
  });

  afterAll(async () => {
    await browser?.close();
    await dropTemplate();
    await removeTempDirectories();
  });

  /** Opens a page of the dashboard. */
  async function visit(stage: Stage, hash = ""): Promise<WatchedPage> {
    const watched = await openPage(browser);
    pages.push(watched);
    await watched.page.goto(`${stage.url}${hash}`);
    await shows(watched.page, "live", ".live");
    return watched;
  }

  /** What went wrong, but for the streams and requests that end with their page. */
  function realTroubles({ troubles }: WatchedPage): string[] {
    return troubles.filter((trouble) => !trouble.includes("ERR_ABORTED"));
  }

  describe.each(ablePlaces)("on $name", (kind) => {
    kind.describe("with its server", () => {
      test("a failing job is found among a hundred thousand by a word of its arguments, its stack read, and retried until it succeeds", async () => {
        shop.isBroken = true;
        await using stage = await openStage(kind);
        const { id } = await charge.enqueue("Zauberlehrling", 1_200);
        for (let part = 0; part < 100; part++)
          await stage.broker.enqueue({ jobs: createSampleJobs(1_000, { task: "filler", delayMs: 3_600_000 }) });
        await stage.reached("failed", id);
        const watched = await visit(stage);
        const { page } = watched;
        await page.locator('nav a[href="#/jobs"]').click();
        await page.locator("#search").fill("Zauberlehrling");
        await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1, { timeout: 60_000 });
        expect(await page.evaluate("location.hash")).toBe("#/jobs?q=Zauberlehrling");
        await page.locator(`tr[data-id="${id}"] a.row`).click();
        await shows(page, "The bank of Zauberlehrling is closed", ".error-message");
        expect(await textOf(page, ".stack")).toContain("dashboard.test.ts");
        expect(await textOf(page)).toContain("1200");
        shop.isBroken = false;
        await page.locator('[data-action="retry"]').click();
        await shows(page, "Retry 1 job?", "dialog");
        await page.locator("dialog [data-agree]").click();
        await shows(page, "succeeded", "main .bar .status");
        await shows(page, '"charged": "Zauberlehrling"');
        expect(realTroubles(watched)).toEqual([]);
        expect([...watched.hosts]).toEqual([new URL(stage.url).host]);
      });
    });
  });

  describe.each([onCelery, onCeleryOnRabbitmq])("on $name", (kind) => {
    kind.describe("with its server", () => {
      test("a job is found by its id, seen while it runs, canceled, and its error read", async () => {
        shop.isBroken = true;
        bakery.gate = createGate();
        await using stage = await openStage(kind);
        const failed = await charge.enqueue("Zauberlehrling", 1_200);
        await stage.reached("failed", failed.id);
        const watched = await visit(stage);
        const { page } = watched;
        const names = await page.$$eval("nav a", (links) => links.map((link) => link.textContent));
        expect(names).toEqual(["Overview", "Jobs", "Workers", "Background"]);
        const find = async (id: string): Promise<void> => {
          await page.locator('nav a[href="#/jobs"]').click();
          await page.locator("#search").fill(id);
          await page.keyboard.press("Enter");
        };
        await find(failed.id);
        await shows(page, "The bank of Zauberlehrling is closed", ".error-message");
        expect(await textOf(page, ".stack")).toContain("dashboard.test.ts");
        expect(await page.$$('[data-action="retry"], [data-action="remove"]')).toEqual([]);
        const [cake, bread] = [await bake.enqueue("cake"), await bake.enqueue("bread")];
        await find(cake.id);
        await shows(page, "in the oven");
        await page.locator('[data-action="cancel"]').click();
        await page.locator("dialog [data-agree]").click();
        await shows(page, "canceled", "main .bar .status");
        await find(bread.id);
        await shows(page, "running", "main .bar .status");
        bakery.gate.open();
        await shows(page, '"baked": "bread"');
        expect(realTroubles(watched)).toEqual([]);
      });
    });
  });

  test("from one job of a chain one gets to the others, and sees which of them wait", async () => {
    bakery.gate = createGate();
    await using stage = await openStage(onSqlite);
    const { id } = await chain(bake.call("cake"), bake.call("icing")).enqueue();
    const { page } = await visit(stage, `#/job/${id}`);
    await shows(page, "Its flow of 2 jobs");
    expect(await textOf(page, "tr[aria-current]")).toMatch(/^2\s.*bake\s+scheduled\s+1$/);
    await page.locator("tbody tr:first-child a").click();
    await shows(page, "in the oven");
    bakery.gate.open();
    await shows(page, "succeeded", "tr[aria-current] .status");
    await shows(page, "succeeded", "tbody tr:last-child .status");
  });

  test("markup and script in names, arguments and errors are text", async () => {
    await using stage = await openStage(onSqlite);
    const { id } = await hostile.enqueue(markup);
    await stage.reached("failed", id);
    const watched = await visit(stage, "#/jobs");
    const { page } = watched;
    for (const hash of ["#/jobs", `#/jobs?q=${encodeURIComponent(markup)}`, `#/job/${id}`, "#/errors", "#/overview"]) {
      await page.goto(`${stage.url}${hash}`);
      await shows(page, markup);
      expect(await page.$$("main script, main img"), `hash: ${hash}`).toEqual([]);
      expect(await page.title()).not.toBe("owned");
    }
    expect(realTroubles(watched)).toEqual([]);
  });

  test("all that match are deleted, after one was asked and told how many they are", async () => {
    await using stage = await openStage(onSqlite, { app: { worker: false } });
    await stage.broker.enqueue({ jobs: createSampleJobs(120, { task: "old", args: '["winter"]' }) });
    await stage.broker.enqueue({ jobs: createSampleJobs(3, { task: "new", args: '["summer"]' }) });
    const { page } = await visit(stage, "#/jobs?q=winter");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50, patience);
    await page.locator('[data-action="remove"]').click();
    await shows(page, "Delete 120 jobs?", "dialog");
    await page.locator("dialog [data-agree]").click();
    await shows(page, "120 jobs deleted.", ".toasts");
    await shows(page, "No such jobs");
    const { jobs } = await stage.broker.list({ filter: {}, limit: 200 });
    expect(jobs.map(({ task: name }) => name)).toEqual(["new", "new", "new"]);
  });

  test("selected jobs are canceled, and no others", async () => {
    await using stage = await openStage(onSqlite, { app: { worker: false } });
    await stage.broker.enqueue({ jobs: createSampleJobs(5) });
    const { page } = await visit(stage, "#/jobs");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 5, patience);
    await page.locator("tbody tr:nth-child(2) input").click();
    await page.locator("tbody tr:nth-child(4) input").click();
    await shows(page, "2 jobs selected");
    await page.locator('[data-action="cancel"]').click();
    await page.locator("dialog [data-agree]").click();
    await shows(page, "2 jobs canceled.", ".toasts");
    await page.waitForFunction(() => document.querySelectorAll("tbody .status.canceled").length === 2, patience);
    const { jobs } = await stage.broker.list({ filter: { statuses: ["queued"] }, limit: 10 });
    expect(jobs.map(({ args }) => args)).toEqual(["[4]", "[2]", "[0]"]);
  });

  test("a queue is paused and resumed, and schedules and workers are shown", async () => {
    await using stage = await openStage(onSqlite);
    stage.app.schedule("nightly", "0 3 * * *", charge, ["Ada", 5]);
    await stage.broker.enqueue({ jobs: createSampleJobs(2, { delayMs: 3_600_000 }) });
    const watched = await visit(stage, "#/queues");
    const { page } = watched;
    await page.locator('[aria-label="Pause queue default"]').click();
    await shows(page, "paused");
    expect((await stage.broker.counts())[0]?.isPaused).toBe(true);
    await page.locator('[aria-label="Resume queue default"]').click();
    await waitUntil(async () => (await stage.broker.counts())[0]?.isPaused === false, { withinMs: 10_000 });
    await page.locator('nav a[href="#/schedules"]').click();
    await shows(page, "nightly");
    shop.isBroken = false;
    await page.locator('[aria-label="Run nightly now"]').click();
    await shows(page, '"charged": "Ada"');
    await page.locator('nav a[href="#/workers"]').click();
    await shows(page, `process ${process.pid}`);
    expect(realTroubles(watched)).toEqual([]);
  });

  test("background tasks of the app are shown while they run, and those that failed with their stacks", async () => {
    const gate = createGate();
    await using stage = await openStage(onSqlite);
    stage.app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(function writeAudit() {
        throw new Error("disk full");
      });
      tasks.addTask(function rebuildIndex() {
        return gate.opened;
      });
    });
    const { page } = await visit(stage, "#/background");
    await fetch(stage.server.url);
    await shows(page, "rebuildIndex");
    await shows(page, "disk full");
    gate.open();
    await shows(page, "None is running");
  });

  test("one gets about by keys", async () => {
    await using stage = await openStage(onSqlite, { app: { worker: false } });
    await stage.broker.enqueue({ jobs: createSampleJobs(2) });
    const { page } = await visit(stage);
    await page.keyboard.type("gj");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2, patience);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await shows(page, "attempt 0 of 3");
    await page.keyboard.type("?");
    await shows(page, "next and previous job", "dialog");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("dialog") === null, patience);
    await page.keyboard.type("gj");
    await page.waitForSelector("#search", patience);
    await page.keyboard.press("/");
    expect(await page.evaluate("document.activeElement.id")).toBe("search");
  });

  test("a read-only dashboard has no buttons that change something", async () => {
    await using stage = await openStage(onSqlite, { readOnly: true, app: { worker: false } });
    await stage.broker.enqueue({ jobs: createSampleJobs(1) });
    const { page } = await visit(stage, "#/jobs?status=queued");
    await shows(page, "sample");
    expect(await page.$$("[data-action], tbody input")).toEqual([]);
    await page.goto(`${stage.url}#/queues`);
    await shows(page, "default");
    expect(await page.$$("main button")).toEqual([]);
    expect(await textOf(page, ".side")).toContain("read-only");
  });

  test("on a phone nothing is wider than the screen", async () => {
    shop.isBroken = true;
    await using stage = await openStage(onSqlite);
    const { id } = await charge.enqueue("x".repeat(500), 1);
    await stage.reached("failed", id);
    const { page } = await visit(stage);
    await page.setViewport({ width: 360, height: 740 });
    for (const hash of ["overview", "queues", "jobs", `job/${id}`, "errors", "schedules", "workers", "background"]) {
      await page.goto(`${stage.url}#/${hash}`);
      await page.waitForSelector("main h1", patience);
      await page.waitForFunction(() => document.querySelector("main .loading") === null, patience);
      expect(await page.evaluate("document.documentElement.scrollWidth"), `hash: ${hash}`).toBeLessThanOrEqual(360);
    }
  });

  onRabbitmqAlone.describe("on a broker that keeps no state of its jobs", () => {
    test("what it cannot tell is absent, and the page says so", async () => {
      await using stage = await openStage(onRabbitmqAlone);
      const watched = await visit(stage);
      const { page } = watched;
      await shows(page, "keeps no list of its jobs");
      const names = await page.$$eval("nav a", (links) => links.map((link) => link.textContent));
      expect(names).toEqual(["Overview", "Workers", "Background"]);
      await page.locator('nav a[href="#/workers"]').click();
      await shows(page, `process ${process.pid}`);
      await page.goto(`${stage.url}#/jobs`);
      await shows(page, "There is no page");
      expect(realTroubles(watched)).toEqual([]);
    });
  });
});
