/** The request that added a task, as the task sees it: its body may be gone. */
export interface TaskRequest {
  /** The header `X-Request-Id` if it is sound, else a UUID version 7. */
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** Aborted when the client had gone before it had its whole response. */
  readonly signal: AbortSignal;
}
