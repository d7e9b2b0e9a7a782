// A chat room: WebSockets with a parameter, a dependency, and a background task that runs when one closes.
//
//   node --conditions=afterword-source examples/websocket.ts
//   curl http://127.0.0.1:8000/     (or open it in two windows of a browser, and talk)
import { appendFile } from "node:fs/promises";
import { App, BackgroundTasks, dependency, html, HTTPException, path, query, WebSocketConnection } from "afterword";

const app = new App({ title: "Chat" });
const rooms = new Map<string, Set<WebSocketConnection>>();

const writeLog = (line: string) => appendFile("log.txt", `${line}\n`);

/** Solved before the connection is opened: what it throws is an ordinary answer. */
const nickname = dependency({ name: query() }, ({ name }) => {
  if (name === undefined || !/^\w{1,20}$/.test(name)) throw new HTTPException(403, "Say who you are: ?name=Ada");
  return name;
});

app.websocket(
  "/chat/:room",
  { room: path(), name: nickname, socket: WebSocketConnection, tasks: BackgroundTasks },
  async ({ room, name, socket, tasks }) => {
    const members = rooms.get(room) ?? new Set();
    rooms.set(room, members.add(socket));
    const tell = (line: string) => Promise.all(Array.from(members, (member) => member.send(line).catch(() => {})));
    let count = 0;
    try {
      await tell(`${name} has come`);
      for await (const message of socket) {
        count++;
        await tell(`${name}: ${String(message)}`);
      }
    } finally {
      members.delete(socket);
      if (members.size === 0) rooms.delete(room);
      tasks.addTask(writeLog, `${name} said ${count} things in ${room}`);
      await tell(`${name} has gone`);
    }
  },
);

app.get("/", { responses: { 200: { contentType: "text/html" } } }, {}, () =>
  html(/* html */ `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Chat</title>
<link rel="icon" href="data:," />
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }</style>
<h1>Chat</h1>
<form><input aria-label="Message" autofocus /> <button>Send</button></form>
<ul></ul>
<script type="module">
  const name = "guest" + Math.floor(Math.random() * 1000);
  const socket = new WebSocket(new URL("chat/lobby?name=" + name, location.href.replace(/^http/, "ws")));
  socket.onmessage = ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    document.querySelector("ul").append(item);
  };
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    const input = document.querySelector("input");
    socket.send(input.value);
    input.value = "";
  };
</script>`),
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
