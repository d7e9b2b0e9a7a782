import type { MessagePort } from "node:worker_threads";
import type { Broker } from "../../tasks/broker.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { Failure } from "../failure.ts";

/** What all threads of a worker are started with. */
export interface ThreadSettings {
  /** The name of the channel on which they are told to end. */
  readonly channel: string;
  readonly idleMs: number;
  /** So long it may take to close what a thread has opened. */
  readonly closeMs: number;
}

/** One attempt for a thread to run. */
export interface ThreadOrder {
  /** The URL of the module that defines the task. */
  readonly module: string;
  readonly job: DeliveredJob;
  /** What the worker's broker is, for `enqueue` in the thread. */
  readonly broker: Pick<Broker, "name" | "supports" | "isDurable">;
  /** Over which both sides talk while it runs. */
  readonly port: MessagePort;
  /** One number, not 0 once an abort was sent: a function that never lets its event loop turn looks here. */
  readonly abortFlag: Int32Array;
}

/** What a thread says of a function that has ended. */
export type ThreadOutcome =
  | { /** The text of a JSON value. */ readonly result: string }
  | { readonly failure: Failure };

/** The verbs of a broker that a thread may ask for. */
export type AskedVerb = "enqueue" | "get" | "cancel";

export type FromThread =
  /** The thread has begun with it. */
  | { readonly kind: "taken" }
  /** The function is about to be called: the module is imported, the arguments are read. */
  | { readonly kind: "started" }
  | { readonly kind: "progress"; readonly value: number; readonly note: string | undefined }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "ask"; readonly id: number; readonly verb: AskedVerb; readonly request: unknown }
  /** @see isSpoiled - whether the thread is of no use any more: a module that failed once fails for ever */
  | { readonly kind: "ended"; readonly outcome: ThreadOutcome; readonly isSpoiled: boolean };

export type ToThread =
  | { readonly kind: "abort"; readonly code: string; readonly message: string }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly code: string; readonly message: string };
