import type { Ending } from "../../tasks/ending.ts";

/** @param result - any JSON value */
export function succeeded(result: unknown = null): Ending {
  return { status: "succeeded", result: JSON.stringify(result) };
}

export function failed(message = "it does not work", code?: string): Ending {
  return { status: "failed", error: { name: "Error", message, ...(code !== undefined && { code }) } };
}

export function retryIn(delayMs: number, message = "not yet"): Ending {
  return { status: "retry", error: { name: "Error", message }, delayMs };
}
