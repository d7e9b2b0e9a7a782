import { AsyncLocalStorage } from "node:async_hooks";
import { AfterwordError } from "../internal/afterword-error.ts";
import type { Client } from "./client.ts";

const storage = new AsyncLocalStorage<Client>();

/** Those of this process that are open, in the order in which they were opened. */
const clients: Client[] = [];

export function addClient(client: Client): void {
  if (!clients.includes(client)) clients.push(client);
}

export function removeClient(client: Client): void {
  const index = clients.indexOf(client);
  if (index >= 0) clients.splice(index, 1);
}

/** A client and a worker of one program usually share a broker: then it does not matter which of them stores. */
function haveOneBroker(): boolean {
  const { broker } = clients[0]!;
  return clients.every((client) => client.broker === broker);
}

/**
 * The client that `enqueue` uses: that of the request or job that is running, else the only one that is open, or any if they
 * share one broker.
 *
 * @throws {AfterwordError} with code `no_broker` or `ambiguous_broker`
 */
export function currentClient(): Client {
  const current = storage.getStore();
  if (current?.isOpen) return current;
  if (clients.length > 0 && haveOneBroker()) return clients[0]!;
  if (clients.length === 0)
    throw new AfterwordError(
      "no_broker",
      'A job can only be stored while an app or a client is open, and none is. In a script, open one first: await using client = new Client({ broker: sqlite("tasks.db") }).',
    );
  throw new AfterwordError(
    "ambiguous_broker",
    `${clients.length} apps or clients with different brokers are open (${clients.map((client) => client.broker.name).join(", ")}), and this call runs inside no request or job that would say which one to use. Say it with client.run(() => task.enqueue(…)), or close the others.`,
  );
}

/**
 * Calls `fn` so that `enqueue` inside it, also after `await`, uses `client`. While no other client is open there is no need
 * to remember which, and it costs nothing.
 */
export function runWithClient<A extends unknown[], R>(client: Client, fn: (...args: A) => R, ...args: A): R {
  return clients.length > 1 ? storage.run(client, fn, ...args) : fn(...args);
}

/** The same whether or not others are open: somebody may open one meanwhile. */
export function alwaysRunWithClient<R>(client: Client, fn: () => R): R {
  return storage.run(client, fn);
}

/** The dependencies that others stand in for, of the app whose request or job is running, or of the only open one. */
export function openOverrides(): Client["overrides"] {
  const current = storage.getStore();
  if (current?.isOpen) return current.overrides;
  return clients.length > 0 && haveOneBroker() ? clients.find(({ overrides }) => overrides)?.overrides : undefined;
}
