import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { endChildren, startChild, type ChildApp } from "../../support/child-app.ts";
import type { CeleryTransport, DeadLetter } from "../../support/celery-transport.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { Fate, PoisonRow } from "./row.ts";

export const queue = "poison";
const patience = { withinMs: Number(process.env.PATIENCE ?? 15_000) } as const;

/** One worker of ours, a process, that must outlive everything; what is done around each message is the same for all. */
export class PoisonBench<T extends CeleryTransport> {
  readonly transport: T;
  worker: ChildApp | undefined;

  constructor(transport: T) {
    this.transport = transport;
  }

  async start(): Promise<void> {
    await this.transport.open();
    const { url, options } = this.transport;
    this.worker = startChild(new URL("worker.ts", import.meta.url), { args: [url, JSON.stringify(options)] });
    await this.worker.line(/^started$/m);
  }

  async stop(): Promise<void> {
    await endChildren();
    await this.transport.close();
  }

  /**
   * Waits until all has ended, and says how the tasks of some ids did.
   *
   * @param waiting - how many messages wait for a time that does not come
   */
  async settle(ids: readonly string[], waiting = 0): Promise<readonly (string | undefined)[]> {
    const { transport } = this;
    const statuses = async (): Promise<readonly (string | undefined)[]> =>
      (await Promise.all(ids.map((id) => transport.result(id)))).map((result) => result?.status);
    await waitUntil(
      async () => {
        this.assertAlive();
        const isFinal = (await statuses()).every((status) => ["SUCCESS", "FAILURE", "REVOKED"].includes(status ?? ""));
        return isFinal && (await transport.unfinished(queue)) === waiting;
      },
      { ...patience, what: "all messages have ended" },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; the worker says:\n${this.worker?.stderr.slice(-3_000)}`, { cause: error });
    });
    return statuses();
  }

  /** All dead letters, when there are so many. */
  async #letters(count: number): Promise<readonly DeadLetter[]> {
    let letters: readonly DeadLetter[] = [];
    const areThere = async (): Promise<boolean> => (letters = await this.transport.dead(queue)).length >= count;
    await waitUntil(areThere, { ...patience, what: `${count} dead letters` });
    return letters;
  }

  assertAlive(): void {
    expect(this.worker?.hasExited, `the worker ended:\n${this.worker?.stderr}`).toBe(false);
  }

  /** Sends a message between two good ones, and looks what becomes of all. */
  async send<M>(row: PoisonRow<M>, push: (before: string, poison: M, after: string) => Promise<void>): Promise<void> {
    const { transport } = this;
    const [before, id, after] = [randomUUID(), randomUUID(), randomUUID()];
    await push(before, row.message(id), after);
    const resultId = row.resultId?.(id) ?? id;
    const ids = isAnswered(row.fate) ? [before, after, resultId] : [before, after];
    expect((await this.settle(ids, "waits" in row.fate ? 1 : 0)).slice(0, 2), "the good jobs").toEqual([
      "SUCCESS",
      "SUCCESS",
    ]);
    const { fate } = row;
    const reason = "dead" in fate ? fate.dead : "succeeded" in fate ? fate.leaves : undefined;
    const letters = await this.#letters(reason === undefined ? 0 : 1);
    expect(letters.map((letter) => letter.reason)).toEqual(reason === undefined ? [] : [expect.stringMatching(reason)]);
    const result = await transport.result(resultId);
    if ("dead" in fate) {
      expect(toError(result)).toBe(fate.answered);
      return;
    }
    if ("succeeded" in fate) expect(result).toMatchObject({ status: "SUCCESS", result: fate.succeeded });
    else if ("ended" in fate) expect([result?.status, toError(result)]).toEqual([fate.ended, fate.error]);
    else expect(result).toBeUndefined();
  }
}

function isAnswered(fate: Fate): boolean {
  return "dead" in fate ? fate.answered !== undefined : !("waits" in fate);
}

function toError(result: { readonly result: unknown } | undefined): unknown {
  return (result?.result as { readonly exc_type?: unknown } | undefined)?.exc_type;
}
