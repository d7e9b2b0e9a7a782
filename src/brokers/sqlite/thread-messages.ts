import type { Executed } from "./execute-batch.ts";
import type { Failure } from "./sqlite-error.ts";
import type { Operation } from "./verbs.ts";

export type ToThread =
  | { readonly kind: "execute"; readonly operations: readonly Operation[] }
  | { readonly kind: "watch"; readonly isOn: boolean }
  | { readonly kind: "close" };

export type ToMain =
  | { readonly kind: "opened"; readonly failure: Failure | undefined }
  | ({ readonly kind: "executed" } & Executed)
  /** Another connection has changed the file. */
  | { readonly kind: "changed" }
  | { readonly kind: "closed" };
