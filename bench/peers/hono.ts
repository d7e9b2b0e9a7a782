// Hono on @hono/node-server with its default settings; the e-mail is checked by hand, the cheapest way.
import type { ServerResponse } from "node:http";
import { serve, type HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

type HonoEnv = { Bindings: HttpBindings };

const app = new Hono<HonoEnv>();

app.get("/counts", (c) => c.json(counts));

if (part === "p1")
  app.post("/send-notification/:email", (c) => {
    const email = c.req.param("email");
    if (!emailPattern.test(email)) return c.json({ detail: "Not an e-mail address" }, 422);
    counts.requests++;
    runAfter(c.env.outgoing as ServerResponse, [() => writeLog(`message to ${email}\n`)]);
    return c.json({ message: "Message sent" });
  });
else
  app.post("/send-notification/:email", (c) => {
    const email = c.req.param("email");
    if (!emailPattern.test(email)) return c.json({ detail: "Not an e-mail address" }, 422);
    counts.requests++;
    const tasks: (() => unknown)[] = [];
    getQuery(c, tasks);
    tasks.push(() => writeLog(`message to ${email}\n`));
    runAfter(c.env.outgoing as ServerResponse, tasks);
    return c.json({ message: "Message sent" });
  });

function getQuery(c: Context<HonoEnv>, tasks: (() => unknown)[]): string | undefined {
  const q = c.req.query("q");
  if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
  return q;
}

serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
