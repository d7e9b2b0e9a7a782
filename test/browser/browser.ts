import { existsSync } from "node:fs";
import { launch, type Browser, type Page } from "puppeteer-core";

/** Where Debian and others put it. `AFTERWORD_CHROMIUM` names another. */
const executable = [
  process.env.AFTERWORD_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

/** Whether there is a browser. In CI there must be one. */
export const hasBrowser: boolean = executable !== undefined || process.env.CI !== undefined;

/** Why tests are skipped without one, for their names. */
export const withoutBrowser = hasBrowser ? "" : " (skipped: no Chromium found; install it, or set AFTERWORD_CHROMIUM)";

export function openBrowser(): Promise<Browser> {
  if (executable === undefined) throw new Error("No Chromium found: install it, or set AFTERWORD_CHROMIUM.");
  return launch({ executablePath: executable, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page that keeps everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, failed requests and answers from 400 on. */
  readonly troubles: string[];
  /** The hosts that were asked for anything. */
  readonly hosts: Set<string>;
}

export async function openPage(browser: Browser): Promise<WatchedPage> {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 1000 });
  const troubles: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warn") troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${String(error)}`));
  page.on("requestfailed", (request) =>
    troubles.push(`failed: ${request.url()} ${request.failure()?.errorText ?? ""}`),
  );
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol === "http:" || protocol === "https:") hosts.add(host);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  return { page, troubles, hosts };
}
