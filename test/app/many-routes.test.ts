import { App, BackgroundTasks, path, Router } from "afterword";
import { TestClient } from "afterword/testing";
import { expect, test } from "vitest";
import * as z from "zod";

test("an app of many routes answers as one of few: parameters, patterns, order, HEAD, 405, mounts and tasks", async () => {
  const ran: string[] = [];
  const app = new App();
  for (let number = 0; number < 400; number++) {
    const router = new Router({ prefix: `/part${number}` });
    router.get("/static", () => number);
    router.get("/:id{[0-9]+}", { id: path(z.int()), tasks: BackgroundTasks }, ({ id, tasks }) => {
      tasks.addTask(() => ran.push(`${number} ${id}`));
      return { number, id };
    });
    router.post("/:id/:tab?", { id: path(), tab: path(z.string().optional()) }, ({ id, tab }) => ({
      id,
      tab: tab ?? null,
    }));
    app.include(router);
  }
  const inner = new App();
  inner.get("/x", () => "inner");
  app.mount("/inner", inner);
  await using client = new TestClient(app);
  const json = async (method: string, at: string): Promise<unknown> => (await client.request(method, at)).json();
  for (const number of [0, 199, 399]) {
    expect(await json("GET", `/part${number}/static`)).toBe(number);
    expect(await json("GET", `/part${number}/12`)).toEqual({ number, id: 12 });
    expect(await json("POST", `/part${number}/a/b`)).toEqual({ id: "a", tab: "b" });
    expect(await json("POST", `/part${number}/a`)).toEqual({ id: "a", tab: null });
    expect((await client.head(`/part${number}/static`)).status).toBe(200);
    expect((await client.delete(`/part${number}/static`)).status).toBe(405);
    expect((await client.get(`/part${number}/text`)).status).toBe(405);
  }
  expect((await client.get("/part400/static")).status).toBe(404);
  expect(await json("GET", "/inner/x")).toBe("inner");
  expect((await client.get("/docs")).status).toBe(200);
  expect(ran).toEqual(["0 12", "199 12", "399 12"]);
});
