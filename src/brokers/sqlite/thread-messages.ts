import type { Executed } from "./execute-batch.ts";
import type { PackedOperations } from "./packed-operations.ts";
import type { Failure } from "./sqlite-error.ts";

export type ToThread =
  | { readonly kind: "execute"; readonly operations: PackedOperations }
  | { readonly kind: "watch"; readonly isOn: boolean }
  | { readonly kind: "close" };

export type ToMain =
  | { readonly kind: "opened"; readonly failure: Failure | undefined }
  | ({ readonly kind: "executed" } & Executed)
  /** Another connection has changed the file. */
  | { readonly kind: "changed" }
  | { readonly kind: "closed" };
