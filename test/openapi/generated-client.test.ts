import { execFile } from "node:child_process";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { waitUntil } from "../support/wait-until.ts";
import { log, shop } from "./fixtures/shop.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
/** Below the project, so that its packages are found. */
const folder = join(root, `.cache/client-${process.pid}`);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("a client that a generator makes of the document compiles, refuses what is wrong, and talks to the server", async () => {
  await using server = await shop.listen({ port: 0, signals: false });
  await mkdir(folder, { recursive: true });
  const response = await fetch(`${server.url}/openapi.json`);
  await writeFile(join(folder, "openapi.json"), await response.text());

  await run(
    process.execPath,
    [
      `--import=${join(import.meta.dirname, "fixtures/typescript-5.ts")}`,
      join(root, "node_modules/openapi-typescript/bin/cli.js"),
      join(folder, "openapi.json"),
      "--output",
      join(folder, "schema.ts"),
      // Its default takes a field with a default for one that must be sent.
      "--default-non-nullable=false",
    ],
    { cwd: folder },
  );

  await copyFile(join(import.meta.dirname, "fixtures/client/main.ts"), join(folder, "main.ts"));
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        module: "nodenext",
        target: "es2024",
        lib: ["es2024", "dom", "dom.iterable"],
        types: ["node"],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        verbatimModuleSyntax: true,
      },
      include: ["main.ts"],
    }),
  );
  const compiled = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).catch(
    (error: { stdout: string }) => error,
  );
  expect(compiled.stdout).toBe("");

  const { stdout } = await run(process.execPath, [join(folder, "main.ts"), server.url]);
  expect(JSON.parse(stdout)).toEqual({
    created: 201,
    price: 1,
    tag: "new",
    soldAt: "1970-01-01T00:00:00.000Z",
    labels: ["detailed"],
    missing: [404, { detail: "Not Found" }],
    photo: { bytes: 5, caption: "by day" },
    refused: 422,
    nowhere: 404,
    wrong: 422,
  });
  await waitUntil(() => log.length === 1);
  expect(log).toEqual(["ada created lamp"]);
}, 60_000);
