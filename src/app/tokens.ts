import { BackgroundTasks } from "../background/background-tasks.ts";
import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { isRequestClass } from "../internal/platform.ts";
import { Reply } from "../responses/reply.ts";
import { WebSocketConnection } from "../websocket/websocket-connection.ts";

const tasks = token("BackgroundTasks", (scope) => scope.tasks.list);
const request = token("Request", (scope) => scope.req.raw);
const signal = token("AbortSignal", (scope) => scope.signal);
const reply = token("Reply", (scope) => {
  const known = scope.memo.get(Reply);
  if (known) return known;
  const made = new Reply();
  scope.memo.set(Reply, made);
  return made;
});

const connection = token("WebSocketConnection", (scope) => scope.memo.get(WebSocketConnection));

/** The source behind a class that is declared as a parameter; `undefined` if it is not one of the known classes. */
export function tokenSource(value: unknown): BoundSource | undefined {
  if (value === BackgroundTasks) return tasks;
  if (value === AbortSignal) return signal;
  if (value === Reply) return reply;
  if (value === WebSocketConnection) return connection;
  return isRequestClass(value) ? request : undefined;
}

function token(name: string, read: (scope: RequestScope) => unknown): BoundSource {
  return { place: "token", name, source: undefined, label: name, read };
}
