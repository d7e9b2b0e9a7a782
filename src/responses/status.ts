import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/** @throws {AfterwordError} with code `invalid_status` for what the platform's `Response` would not take either */
export function assertStatus(status: unknown): asserts status is number {
  if (Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599) return;
  throw new AfterwordError(
    "invalid_status",
    `The status of a response must be an integer from 200 to 599, but got ${formatValue(status)}.`,
  );
}

/** Whether a response of this status has no body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5). */
export function isNullBodyStatus(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
