// node:http and nothing else, written by hand for these two endpoints.
import { createServer, type ServerResponse } from "node:http";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

const prefix = "/send-notification/";

const server = createServer((request, response) => {
  const { method, url = "" } = request;
  if (method === "POST" && url.startsWith(prefix)) {
    if (part === "p1") sendNotification(url, response);
    else sendNotificationWithQuery(url, response);
  } else if (method === "GET" && url === "/counts") sendJson(response, 200, counts);
  else sendJson(response, 404, { detail: "Not Found" });
});

function sendNotification(url: string, response: ServerResponse): void {
  const email = decode(url.slice(prefix.length));
  if (!emailPattern.test(email)) return sendJson(response, 422, { detail: "Not an e-mail address" });
  counts.requests++;
  runAfter(response, [() => writeLog(`message to ${email}\n`)]);
  sendJson(response, 200, { message: "Message sent" });
}

function sendNotificationWithQuery(url: string, response: ServerResponse): void {
  const mark = url.indexOf("?");
  const email = decode(url.slice(prefix.length, mark === -1 ? undefined : mark));
  if (!emailPattern.test(email)) return sendJson(response, 422, { detail: "Not an e-mail address" });
  counts.requests++;
  const tasks: (() => unknown)[] = [];
  getQuery(mark === -1 ? "" : url.slice(mark + 1), tasks);
  tasks.push(() => writeLog(`message to ${email}\n`));
  runAfter(response, tasks);
  sendJson(response, 200, { message: "Message sent" });
}

function getQuery(search: string, tasks: (() => unknown)[]): string | undefined {
  const q = new URLSearchParams(search).get("q") ?? undefined;
  if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
  return q;
}

function sendJson(response: ServerResponse, status: number, data: unknown): void {
  const body = JSON.stringify(data);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function decode(text: string): string {
  try {
    return text.includes("%") ? decodeURIComponent(text) : text;
  } catch {
    return text;
  }
}

server.listen(port, "127.0.0.1");
