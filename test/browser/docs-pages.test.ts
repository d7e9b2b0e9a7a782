import { statSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { App, BackgroundTasks, bearer, dependency, file, form, path, query, type RunningServer } from "afterword";
import type { Browser, ElementHandle } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import secured from "../../examples/security.ts";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { hasBrowser, openBrowser, openPage, withoutBrowser } from "./browser.ts";

describe.skipIf(!hasBrowser)(`the pages of the documentation in a browser${withoutBrowser}`, () => {
  let browser: Browser;
  let server: RunningServer;
  let log: string;

  beforeAll(async () => {
    log = join(await createTempDirectory(), "log.txt");
    const writeLog = (message: string): Promise<void> => appendFile(log, message);
    const getQuery = dependency({ q: query(z.string().optional()), tasks: BackgroundTasks }, ({ q, tasks }) => {
      if (q) tasks.addTask(writeLog, `found query: ${q}\n`);
      return q;
    });
    const tutorial = new App({ title: "Notifications", version: "1.0.0" });
    tutorial.post(
      "/send-notification/:email",
      { email: path(z.email()), q: getQuery, tasks: BackgroundTasks },
      ({ email, tasks }) => {
        tasks.addTask(writeLog, `message to ${email}\n`);
        return { message: "Message sent" };
      },
    );
    tutorial.get("/me", { token: bearer() }, ({ token }) => ({ token }));
    tutorial.post(
      "/upload",
      { photo: file(), fields: form(z.object({ caption: z.string() })) },
      ({ photo, fields }) => ({
        bytes: photo.size,
        caption: fields.caption,
      }),
    );
    const outer = new App({ openapi: false });
    outer.mount("/api/v1", tutorial);
    outer.mount("/secure", secured);
    // Under a prefix that the app itself does not know of: a proxy takes it away.
    const proxied = new App({ openapi: false });
    proxied.mount("/behind/a/proxy", (request) => tutorial.fetch(request));
    outer.mount("/outer", proxied);
    server = await outer.listen({ port: 0, signals: false });
    browser = await openBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await removeTempDirectories();
  });

  test.each(["/api/v1", "/outer/behind/a/proxy"])(
    "Swagger UI sends the tutorial's request, under %s, and its tasks run",
    async (prefix) => {
      const { page, troubles, hosts } = await openPage(browser);
      await page.goto(`${server.url}${prefix}/docs`, { waitUntil: "networkidle0" });
      expect(await page.title()).toBe("Notifications");
      await page.locator("#operations-default-postSendNotificationByEmail .opblock-summary-control").click();
      const operation = "#operations-default-postSendNotificationByEmail";
      await page.locator(`${operation} tr[data-param-name="email"] input`).fill("foo@example.com");
      await page.locator(`${operation} tr[data-param-name="q"] input`).fill("some-query");
      const before = await readFile(log, "utf8").catch(() => "");
      await page.locator(`${operation} button.execute`).click();
      const answer = await page.waitForSelector(
        `${operation} .live-responses-table .response-col_description .microlight`,
      );
      expect(JSON.parse((await answer!.evaluate((element) => element.textContent))!)).toEqual({
        message: "Message sent",
      });
      const added = "found query: some-query\nmessage to foo@example.com\n";
      await waitUntil(async () => (await readFile(log, "utf8")) === before + added, { withinMs: 5_000 });
      expect(troubles).toEqual([]);
      expect([...hosts]).toEqual([new URL(server.url).host]);
      await page.close();
    },
    60_000,
  );

  test("Swagger UI keeps a token and sends it", async () => {
    const { page, troubles } = await openPage(browser);
    await page.goto(`${server.url}/api/v1/docs`, { waitUntil: "networkidle0" });
    await page.locator("button.authorize").click();
    await page.locator(".auth-container input").fill("abc");
    await page.locator(".auth-btn-wrapper button.authorize").click();
    await page.locator(".auth-btn-wrapper .btn-done").click();
    await page.locator("#operations-default-getMe .opblock-summary-control").click();
    await page.locator("#operations-default-getMe button.execute").click();
    const answer = await page.waitForSelector("#operations-default-getMe .live-responses-table .microlight");
    expect(JSON.parse((await answer!.evaluate((element) => element.textContent))!)).toEqual({ token: "abc" });
    expect(troubles).toEqual([]);
    await page.close();
  }, 60_000);

  test("Swagger UI logs in with name and password, under a prefix, and asks for what the scopes allow", async () => {
    const { page, troubles } = await openPage(browser);
    await page.goto(`${server.url}/secure/docs`, { waitUntil: "networkidle0" });
    await page.locator("button.authorize").click();
    await page.locator(".auth-container #oauth_username").fill("ada");
    await page.locator(".auth-container #oauth_password").fill("lovelace");
    await page.locator('.auth-container label[for^="items-password"]').click();
    await page.locator(".auth-btn-wrapper button.authorize").click();
    await page.locator(".auth-btn-wrapper .btn-done").click();
    const operation = "#operations-default-getUsersMeItems";
    await page.locator(`${operation} .opblock-summary-control`).click();
    await page.locator(`${operation} button.execute`).click();
    // Only one of the two scopes was ticked.
    await page.waitForFunction(
      `document.querySelector("${operation} .live-responses-table tbody .response-col_status")?.textContent.trim().startsWith("403")`,
    );
    expect(troubles.filter((trouble) => !trouble.includes("403"))).toEqual([]);
    await page.close();
  }, 60_000);

  test("Swagger UI uploads a file beside the fields of its form", async () => {
    const { page, troubles } = await openPage(browser);
    await page.goto(`${server.url}/api/v1/docs`, { waitUntil: "networkidle0" });
    const operation = "#operations-default-postUpload";
    await page.locator(`${operation} .opblock-summary-control`).click();
    await page
      .locator(`${operation} tr[data-property-name="caption"] input, ${operation} tr[data-param-name="caption"] input`)
      .fill("by day");
    const input = await page.waitForSelector(`${operation} input[type="file"]`);
    await (input as ElementHandle<HTMLInputElement>).uploadFile(import.meta.filename);
    await page.locator(`${operation} button.execute`).click();
    const answer = await page.waitForSelector(`${operation} .live-responses-table .microlight`);
    expect(JSON.parse((await answer!.evaluate((element) => element.textContent))!)).toEqual({
      bytes: statSync(import.meta.filename).size,
      caption: "by day",
    });
    expect(troubles).toEqual([]);
    await page.close();
  }, 60_000);

  test("Redoc shows the operations, and asks no other host", async () => {
    const { page, troubles, hosts } = await openPage(browser);
    await page.goto(`${server.url}/api/v1/redoc`, { waitUntil: "networkidle0" });
    await page.waitForSelector(
      '[data-section-id="operation/postSendNotificationByEmail"], [id="operation/postSendNotificationByEmail"]',
    );
    expect(await page.evaluate("document.body.innerText")).toContain("/send-notification/{email}");
    expect(troubles).toEqual([]);
    expect([...hosts]).toEqual([new URL(server.url).host]);
    await page.close();
  }, 60_000);
});
