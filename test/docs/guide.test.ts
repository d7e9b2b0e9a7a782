/*
 * Runs what the guide shows.
 *
 * Every `ts` block of coming-from-fastapi.md is run from the sources, as a module of its own that imports "afterword" as users
 * do. In the other pages of the guide a block is run if an `http` block follows it, or if it asserts something. One that cannot
 * run alone (it serves for ever, it needs another machine) is marked as ```ts no-run; it is still compiled. Keep these rare.
 *
 * - A block that exports an app, by default or as `app`, can be asked; any other is a script that must end without an error.
 *   One that imports node:test is run by `node --test`.
 * - The first line `// items.ts` gives a block a name: other blocks under the same heading import it as "./items.ts". Text
 *   that an example reads is a block with a path after its language: ```html static/index.html.
 * - An `http` block right after a `ts` block says what to ask the app, and what it answers:
 *
 *       POST /items?dry=true            method and path; more requests may follow in the same block
 *       authorization: Bearer secret    headers, if any
 *                                       an empty line, then the body, if any: sent as JSON if it looks like JSON, else as a
 *       {"name": "tea"}                 form, unless there is a content-type
 *
 *       HTTP 201                        the status of the answer
 *       location: /items/1              headers that it must have; others are not looked at
 *
 *       {"id": 1, "at": "…"}            its body, if the page says it: JSON is compared as data, other text as text. "…"
 *                                       stands for any value; "…": "…" in an object for any other keys
 */
import { execFile, fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseExchanges, type Exchange } from "./exchanges.ts";
import type { RunOrder, RunReport } from "./fixtures/run-blocks.ts";
import { pathOf, readBlocks, root } from "./read-blocks.ts";

const folder = join(root, ".cache/guide");
const directory = mkdtempSync(join(tmpdir(), "afterword-guide-"));
const blocks = readBlocks("docs/guide/**/*.md");

const all = blocks.flatMap((block, index) => {
  const next = blocks[index + 1];
  const exchanges = next?.language === "http" && next.page === block.page ? parseExchanges(next) : [];
  const isRun =
    exchanges.length > 0 ||
    block.page.endsWith("/coming-from-fastapi.md") ||
    block.code.includes('from "node:assert/strict"');
  return isRun && block.language === "ts" && block.info !== "no-run"
    ? [{ block, exchanges, path: join(folder, pathOf(block)) }]
    : [];
});
const isTestFile = ({ block }: (typeof all)[number]): boolean => block.code.includes('from "node:test"');
const shown = all.filter((entry) => !isTestFile(entry));
const testFiles = all.filter(isTestFile);

/** As users run theirs, but from the sources. */
const execArgv = ["--conditions=afterword-source"];
const env = { ...process.env, NODE_OPTIONS: "" };

const reports = new Map<string, RunReport>();

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const block of blocks) {
    if (block.language !== "ts" && block.fileName === undefined) continue;
    const path = block.language === "ts" ? join(folder, pathOf(block)) : join(directory, block.fileName!);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, block.code);
  }
  await runAll(shown.map(({ path, exchanges }) => ({ path, exchanges })));
}, 120_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** In a process of their own, in a directory that is theirs. */
function runAll(orders: readonly RunOrder[]): Promise<void> {
  const child = fork(join(import.meta.dirname, "fixtures/run-blocks.ts"), {
    cwd: directory,
    execArgv,
    env,
    silent: true,
  });
  child.stdout!.resume();
  child.stderr!.resume();
  child.on("message", (report: RunReport) => reports.set(report.path, report));
  child.send(orders);
  return new Promise((resolve) => child.once("close", () => resolve()));
}

describe("what the guide shows runs", () => {
  it.each(shown.map((entry) => [entry.block.where, entry] as const))("%s", (_, { path, exchanges }) => {
    const report = reports.get(path);
    if (report === undefined) throw new Error("It was not run: the process ended before it.");
    expect(report.error).toBe(undefined);
    for (const [index, { method, path: target, answer }] of exchanges.entries()) {
      const came = report.answers[index]!;
      const headers = Object.fromEntries(Object.keys(answer.headers).map((name) => [name, came.headers[name]]));
      expect({ request: `${method} ${target}`, status: came.status, headers, body: bodyOf(came, answer) }).toEqual({
        request: `${method} ${target}`,
        status: answer.status,
        headers: answer.headers,
        body: answer.body === undefined ? undefined : expectedBody(answer.body),
      });
    }
  });

  it.each(testFiles.map(({ block, path }) => [block.where, path] as const))("%s passes", async (_, path) => {
    await promisify(execFile)(process.execPath, [...execArgv, "--test", path], { cwd: directory, env });
  });

  it("runs nearly all of the page for those who come from FastAPI", () => {
    const page = blocks.filter(({ language, page }) => language === "ts" && page.endsWith("/coming-from-fastapi.md"));
    expect(page.filter(({ info }) => info === "no-run").length).toBeLessThan(page.length / 20);
  });
});

function bodyOf({ body }: RunReport["answers"][number], expected: Exchange["answer"]): unknown {
  if (expected.body === undefined) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body.trimEnd();
  }
}

function expectedBody(text: string): unknown {
  try {
    return withWildcards(JSON.parse(text));
  } catch {
    return text;
  }
}

function withWildcards(value: unknown): unknown {
  if (value === "…") return expect.anything();
  if (Array.isArray(value)) return value.map(withWildcards);
  if (typeof value !== "object" || value === null) return value;
  const { "…": others, ...rest } = value as Record<string, unknown>;
  const expected = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, withWildcards(item)]));
  return others === undefined ? expected : expect.objectContaining(expected);
}
