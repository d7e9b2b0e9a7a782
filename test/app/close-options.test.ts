import { App, BackgroundTasks } from "afterword";
import { expect, test } from "vitest";
import { keepTidy } from "../support/tidy.ts";
import { createGate } from "../support/gate.ts";

keepTidy();

test("a server that closes with a responsesTimeout cuts what streams on after that, and still drains its tasks", async () => {
  const gate = createGate();
  const ran: string[] = [];
  const app = new App();
  app.get("/stream", async function* () {
    yield "first";
    await gate.opened;
  });
  app.post("/task", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(async () => {
      await gate.opened;
      ran.push("task");
    });
  });
  const server = await app.listen({ port: 0, signals: false });
  await fetch(`${server.url}/task`, { method: "POST" });
  const streaming = await fetch(`${server.url}/stream`);
  const closing = server.close({ responsesTimeout: "50ms" });
  await expect(streaming.text()).rejects.toThrow();
  gate.open();
  expect(await closing).toMatchObject({ ok: false, connectionsCut: 1, lost: [] });
  expect(ran).toEqual(["task"]);
});
