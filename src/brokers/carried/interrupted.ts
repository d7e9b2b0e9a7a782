import type { IncomingMessage } from "./carrier.ts";

/** So many are remembered: of more than these the server's count stands. */
const maxRemembered = 10_000;

/**
 * How often a job was taken away from this process by the loss of its connection. The server counts that as if the process had
 * died; but a process that lives knows better, and a job is not given up because the network was.
 */
export class Interrupted {
  readonly #counts = new Map<string, number>();

  add(id: string | undefined): void {
    if (id === undefined) return;
    if (this.#counts.size >= maxRemembered) this.#counts.clear();
    this.#counts.set(id, this.count(id) + 1);
  }

  count(id: string): number {
    return this.#counts.get(id) ?? 0;
  }

  forget(id: string): void {
    this.#counts.delete(id);
  }
}

/** The id of the job of a message that nobody has read yet, if it says it. */
export function idOf({ content }: IncomingMessage): string | undefined {
  const { id } = (content.headers ?? {}) as { readonly id?: unknown };
  return typeof id === "string" ? id : undefined;
}
