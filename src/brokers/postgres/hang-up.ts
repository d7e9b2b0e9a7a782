import type { ClientBase } from "pg";

/** Ends a connection without a word: a server that is silent would not hear it. */
export function hangUp(client: ClientBase): void {
  const { connection } = client as ClientBase & { connection?: { stream?: { destroy?: () => void } } };
  connection?.stream?.destroy?.();
}
