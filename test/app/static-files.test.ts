import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import { App, BackgroundTasks } from "afterword";
import { expect, test } from "vitest";
import { startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

test("Hono's middleware serves static files beside routes, and nothing outside its folder", async () => {
  const folder = await createTempDirectory();
  await mkdir(join(folder, "public"));
  await writeFile(join(folder, "public/style.css"), "body {}");
  await writeFile(join(folder, "secret.txt"), "secret");
  const ran: string[] = [];
  const app = new App();
  app.use(
    "/static/*",
    serveStatic({ root: join(folder, "public"), rewriteRequestPath: (path) => path.slice("/static".length) }),
  );
  app.get("/static/:name", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => ran.push("route"));
    return "no file";
  });
  const server = await startApp(app);
  const client = await RawClient.connect(server.port);
  const style = await client.send("GET", "/static/style.css").response;
  expect([style.status, style.headers.get("content-type"), style.text]).toEqual([
    200,
    "text/css; charset=utf-8",
    "body {}",
  ]);
  const part = await client.send("GET", "/static/style.css", { headers: { range: "bytes=0-3" } }).response;
  expect([part.status, part.text]).toEqual([206, "body"]);
  expect((await client.send("GET", "/static/other").response).text).toBe('"no file"');
  for (const path of [
    "/static/../secret.txt",
    "/static/..%2fsecret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/..\\secret.txt",
  ])
    expect((await client.send("GET", path).response).text).not.toContain("secret");
  await server.close();
  expect(ran.length).toBeGreaterThan(0);
});

test("a mounted app behind it is served still", async () => {
  const folder = await createTempDirectory();
  const inner = new App();
  inner.get("/hello", () => "inner");
  const app = new App();
  app.use("/*", serveStatic({ root: folder }));
  app.mount("/inner", inner);
  const server = await startApp(app);
  const client = await RawClient.connect(server.port);
  expect((await client.send("GET", "/inner/hello").response).text).toBe('"inner"');
});
