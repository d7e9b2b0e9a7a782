// h3 on srvx, its own server; the e-mail is checked by hand, the cheapest way.
import type { ServerResponse } from "node:http";
import { getQuery, getRouterParam, H3, serve, type H3Event } from "h3";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

const app = new H3();

app.get("/counts", () => counts);

app.post("/send-notification/:email", part === "p1" ? sendNotification : sendNotificationWithQuery);

function sendNotification(event: H3Event): unknown {
  const email = getRouterParam(event, "email", { decode: true })!;
  if (!emailPattern.test(email)) return refuse(event);
  counts.requests++;
  runAfter(responseOf(event), [() => writeLog(`message to ${email}\n`)]);
  return { message: "Message sent" };
}

function sendNotificationWithQuery(event: H3Event): unknown {
  const email = getRouterParam(event, "email", { decode: true })!;
  if (!emailPattern.test(email)) return refuse(event);
  counts.requests++;
  const tasks: (() => unknown)[] = [];
  addQuery(event, tasks);
  tasks.push(() => writeLog(`message to ${email}\n`));
  runAfter(responseOf(event), tasks);
  return { message: "Message sent" };
}

function addQuery(event: H3Event, tasks: (() => unknown)[]): string | undefined {
  const { q } = getQuery<{ q?: string }>(event);
  if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
  return q;
}

function refuse(event: H3Event): unknown {
  event.res.status = 422;
  return { detail: "Not an e-mail address" };
}

function responseOf(event: H3Event): ServerResponse {
  return event.runtime!.node!.res as ServerResponse;
}

serve(app, { port, hostname: "127.0.0.1", silent: true });
