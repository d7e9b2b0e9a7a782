// The same small server in different frameworks, each loaded when it is asked: `start.js <server> <port>`. Nothing is imported
// that is not theirs. Compiled before it runs, and tells when its import is done and when its task runs.
import { writeSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { flushCompileCache } from "node:module";

const [server, port] = [process.argv[2]!, Number(process.argv[3])];
const host = "127.0.0.1";
const message = { message: "Message sent" };

/** The background task. Whoever started this process ends it by a signal, at which Node would not keep what it has compiled. */
function writeLog(_message: string): void {
  if (process.env.NODE_COMPILE_CACHE) flushCompileCache();
  writeSync(1, "task\n");
}

function imported(): void {
  writeSync(1, `imported ${process.hrtime.bigint()}\n`);
}

function runAfter(response: ServerResponse, task: () => void): void {
  response.once("close", task);
}

const servers: Readonly<Record<string, () => Promise<unknown>>> = {
  async bare() {
    const { createServer } = await import("node:http");
    imported();
    const prefix = "/send-notification/";
    createServer(({ method, url = "" }, response) => {
      const isFound = method === "POST" && url.startsWith(prefix);
      if (isFound) runAfter(response, () => writeLog(`message to ${decodeURIComponent(url.slice(prefix.length))}\n`));
      const body = JSON.stringify(isFound ? message : { detail: "Not Found" });
      response.writeHead(isFound ? 200 : 404, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      });
      response.end(body);
    }).listen(port, host);
  },

  async hono() {
    const [{ Hono }, { serve }] = await Promise.all([import("hono"), import("@hono/node-server")]);
    imported();
    const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
    app.post("/send-notification/:email", (c) => {
      runAfter(c.env.outgoing, () => writeLog(`message to ${c.req.param("email")}\n`));
      return c.json(message);
    });
    serve({ fetch: app.fetch, port, hostname: host });
  },

  async fastify() {
    const { fastify } = await import("fastify");
    imported();
    const app = fastify();
    app.post<{ Params: { email: string } }>("/send-notification/:email", ({ params: { email } }, reply) => {
      runAfter(reply.raw, () => writeLog(`message to ${email}\n`));
      reply.send(message);
    });
    await app.listen({ port, host });
  },

  async express() {
    // Express brings no types.
    const name: string = "express";
    const { default: express } = (await import(name)) as { default: () => ExpressApp };
    imported();
    const app = express();
    app.post("/send-notification/:email", ({ params: { email } }, response) => {
      runAfter(response, () => writeLog(`message to ${email}\n`));
      response.json(message);
    });
    app.listen(port, host);
  },

  async afterword() {
    const { App, BackgroundTasks, path } = await import("afterword");
    imported();
    const app = new App();
    app.post("/send-notification/:email", { email: path(), tasks: BackgroundTasks }, ({ email, tasks }) => {
      tasks.addTask(writeLog, `message to ${email}\n`);
      return message;
    });
    await app.listen({ port });
  },

  async "afterword-zod"() {
    const [{ App, BackgroundTasks, path }, z] = await Promise.all([import("afterword"), import("zod")]);
    imported();
    const app = new App();
    app.post("/send-notification/:email", { email: path(z.email()), tasks: BackgroundTasks }, ({ email, tasks }) => {
      tasks.addTask(writeLog, `message to ${email}\n`);
      return message;
    });
    await app.listen({ port });
  },
};

interface ExpressApp {
  post(
    path: string,
    handler: (
      request: IncomingMessage & { params: { email: string } },
      response: ServerResponse & { json(data: unknown): void },
    ) => void,
  ): void;
  listen(port: number, host: string): void;
}

await servers[server]!();
