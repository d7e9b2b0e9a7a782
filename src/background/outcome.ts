/**
 * How a task or job ended. Exactly one outcome, never changed.
 *
 * - `succeeded`: the function returned; `value` is what it returned, or what its promise resolved to.
 * - `failed`: it threw, rejected or took too long; `error` is what was thrown, unchanged. A timeout is an `AfterwordError` with code `timeout`.
 * - `canceled`: `cancel()` was called before it ended.
 * - `expired`: a job was not started within its `expires`.
 * - `dropped`: it was never started, by a rule: its request failed, its list was cleared, tests skip tasks.
 * - `lost`: the process shut down before it ended.
 */
export type Outcome<R = unknown> =
  | { readonly status: "succeeded"; readonly value: R }
  | { readonly status: "failed"; readonly error: unknown }
  | { readonly status: "canceled" | "expired" | "dropped" | "lost"; readonly reason: string };

/**
 * Where a task or job is now. `scheduled`, `queued` and `running` come before the end; the others are final and are the
 * statuses of {@link Outcome}. `scheduled` and `expired` are for jobs only, `dropped` and `lost` for plain functions only.
 */
export type Status = "scheduled" | "queued" | "running" | Outcome["status"];
