import { expect, it } from "vitest";
import { App } from "../app/app.ts";
import { listen } from "./listen.ts";

it("a port that the app itself has taken is no other program's fault: the command says what to leave out", async () => {
  const app = new App();
  await using server = await app.listen({ port: 0, signals: false });
  const options = { host: "127.0.0.1", port: server.port, proxyHeaders: false, signals: false };
  await expect(listen(app, "app.ts", options)).rejects.toThrow(
    `Port ${server.port} of 127.0.0.1 is taken, and app.ts listens itself. Leave out its app.listen(), or put it into if (import.meta.main) { … }`,
  );
});
