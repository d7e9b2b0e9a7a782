/** One thing that is wrong with a request: an entry of the `detail` of a 422. The form is FastAPI's. */
export interface Problem {
  /** `missing`, `json_invalid`, the code of the validator's issue, or `value_error`. */
  readonly type: string;
  /** Where: `["query", "q"]`, `["body", "items", 0, "name"]`. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  /** What came, cut at 200 characters. Left out for secrets. */
  readonly input?: unknown;
}
