import { STATUS_CODES } from "node:http";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { isSchema } from "../params/declaration-arguments.ts";

/** An answer of a route, for the document. Nothing is checked or changed by it. */
export interface DescribedResponse {
  /** When it comes; Markdown. @defaultValue the status's standard phrase */
  readonly description?: string;
  /** What its body is. @defaultValue for a status from 400 on `{"detail": …}`, else any JSON */
  readonly schema?: StandardSchemaV1;
  /** The media type of its body; `false` if it has none. @defaultValue `"application/json"`, none for 204, 205 and 304 */
  readonly contentType?: string | false;
  /** One body that is right. */
  readonly example?: unknown;
  /** The headers that clients need, each with a sentence. */
  readonly headers?: Readonly<Record<string, string>>;
}

const names = ["description", "schema", "contentType", "example", "headers"];

/** @throws {DeclarationError} when a route's `responses` are not a record of statuses */
export function checkResponses(label: string, responses: unknown): void {
  if (responses === undefined) return;
  if (typeof responses !== "object" || responses === null || Array.isArray(responses))
    throw new DeclarationError(
      `${label}: responses must be a record such as { 404: "No such item" }, but got ${formatValue(responses)}.`,
    );
  for (const [status, response] of Object.entries(responses)) {
    if (!/^[2-5]\d\d$/.test(status))
      throw new DeclarationError(
        `${label}: the keys of responses must be HTTP statuses from 200 to 599, but got ${formatValue(status)}.`,
      );
    if (typeof response === "string") continue;
    const unknown =
      typeof response === "object" && response !== null
        ? Object.keys(response).find((name) => !names.includes(name))
        : "";
    if (unknown !== undefined)
      throw new DeclarationError(
        `${label}: a response is described by a string or by an object with ${names.join(", ")}, but for ${status} got ${formatValue(response)}.`,
      );
    const { schema } = response as DescribedResponse;
    if (schema !== undefined && !isSchema(schema))
      throw new DeclarationError(
        `${label}: the schema of response ${status} must be a Standard Schema (zod, valibot, arktype, …), but got ${formatValue(schema)}.`,
      );
  }
}

/** `"Not Found"` for 404. */
export function phraseOf(status: number): string {
  return STATUS_CODES[status] ?? `Status ${status}`;
}

/** RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
