// Express without ETags, which nobody else makes; the e-mail is checked by hand, the cheapest way.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

interface ExpressRequest extends IncomingMessage {
  readonly params: Record<string, string>;
  readonly query: Record<string, unknown>;
}

interface ExpressResponse extends ServerResponse {
  status(code: number): this;
  json(data: unknown): this;
}

interface ExpressApp {
  disable(setting: string): this;
  get(path: string, handler: (request: ExpressRequest, response: ExpressResponse) => void): this;
  post(path: string, handler: (request: ExpressRequest, response: ExpressResponse) => void): this;
  listen(port: number, host: string): void;
}

// Express brings no types.
const express = createRequire(import.meta.url)("express") as () => ExpressApp;

const app = express().disable("x-powered-by").disable("etag");

app.get("/counts", (_, response) => {
  response.json(counts);
});

if (part === "p1")
  app.post("/send-notification/:email", (request, response) => {
    const email = request.params.email!;
    if (!emailPattern.test(email)) return void response.status(422).json({ detail: "Not an e-mail address" });
    counts.requests++;
    runAfter(response, [() => writeLog(`message to ${email}\n`)]);
    response.json({ message: "Message sent" });
  });
else
  app.post("/send-notification/:email", (request, response) => {
    const email = request.params.email!;
    if (!emailPattern.test(email)) return void response.status(422).json({ detail: "Not an e-mail address" });
    counts.requests++;
    const tasks: (() => unknown)[] = [];
    getQuery(request, tasks);
    tasks.push(() => writeLog(`message to ${email}\n`));
    runAfter(response, tasks);
    response.json({ message: "Message sent" });
  });

function getQuery(request: ExpressRequest, tasks: (() => unknown)[]): string | undefined {
  const { q } = request.query;
  if (typeof q !== "string") return undefined;
  if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
  return q;
}

app.listen(port, "127.0.0.1");
