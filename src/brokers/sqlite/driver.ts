import type { Executed } from "./execute-batch.ts";
import type { Operation } from "./verbs.ts";

/** Has the connection, and carries out batches: in the event loop, or in a thread. */
export interface Driver {
  /** Rejects with an `AfterwordError` when the file cannot be used. */
  open(): Promise<void>;
  /** One batch at a time. Never rejects. */
  execute(operations: readonly Operation[]): Promise<Executed>;
  /** Whether changes by other connections are told. */
  watch(isOn: boolean): void;
  close(): Promise<void>;
}
