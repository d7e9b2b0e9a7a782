import type { JobErrorData } from "./job.ts";

/**
 * What became of a delivery: data, made in one place (`worker/endings.ts`), stored by the broker if the job's lease still
 * stands.
 */
export type Ending =
  | { readonly status: "succeeded"; /** The text of a JSON value. */ readonly result: string }
  /** The attempt failed and the job has another: it is `scheduled` for `delayMs` from now. */
  | { readonly status: "retry"; readonly error: JobErrorData; readonly delayMs: number }
  /** The last attempt failed, or there is no use in another. */
  | { readonly status: "failed"; readonly error: JobErrorData }
  | { readonly status: "canceled"; readonly reason: string }
  /** Given back at shutdown: it is `queued` again, at its old place, and no counter has changed. */
  | { readonly status: "released" };
