import { expect, it } from "vitest";
import { App } from "./app.ts";

function createApp(events: string[]): App {
  const app = new App({
    async *lifespan() {
      events.push("start");
      yield;
      events.push("end");
    },
  });
  app.get("/", () => "ok");
  return app;
}

it("leaves an app alone that is being served when another listen fails", async () => {
  const events: string[] = [];
  const app = createApp(events);
  await using server = await app.listen({ port: 0, signals: false });
  await expect(app.listen({ port: server.port, signals: false })).rejects.toMatchObject({ code: "address_in_use" });
  expect(await (await fetch(server.url)).json()).toBe("ok");
  expect(events).toEqual(["start"]);
});

it("ends the lifespan when the first listen fails", async () => {
  const events: string[] = [];
  await using taken = await createApp([]).listen({ port: 0, signals: false });
  await expect(createApp(events).listen({ port: taken.port, signals: false })).rejects.toMatchObject({
    code: "address_in_use",
  });
  expect(events).toEqual(["start", "end"]);
});

it("ends the lifespan of an app with two servers when the second closes", async () => {
  const events: string[] = [];
  const app = createApp(events);
  const first = await app.listen({ port: 0, signals: false });
  const second = await app.listen({ port: 0, signals: false });
  expect((await first.close()).ok).toBe(true);
  expect(await (await fetch(second.url)).json()).toBe("ok");
  expect(events).toEqual(["start"]);
  await second.close();
  expect(events).toEqual(["start", "end"]);
});
