import { App, BackgroundTasks } from "afterword";
import { expect, test } from "vitest";
import { hosts } from "../support/hosts.ts";

const dropped: string[] = [];

test.each(hosts.flatMap((host) => [false, true].map((hasMiddleware) => ({ host, name: host.name, hasMiddleware }))))(
  "a response whose body was read already is answered with 500, and the tasks beside it are dropped ($name, middleware: $hasMiddleware)",
  async ({ host, hasMiddleware }) => {
    dropped.length = 0;
    const ran: string[] = [];
    const app = new App();
    if (hasMiddleware) app.use((_, next) => next());
    app.background.on("dropped", ({ name }) => dropped.push(name));
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(function onSuccess() {
        ran.push("success");
      });
      tasks.with({ when: "always" }).addTask(() => ran.push("always"));
      const response = new Response(new Blob(["read"]).stream());
      await response.text();
      return response;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(500);
    await session.finish();
    expect(ran).toEqual(["always"]);
    expect(dropped).toEqual(["onSuccess"]);
  },
);
