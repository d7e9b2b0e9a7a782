import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenApiDocument } from "afterword";
import { expect } from "vitest";

/** A document that is read by paths that the test knows. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

/** Fails unless an independent validator finds a document right. @returns it as JSON, as clients get it */
export async function validated(document: OpenApiDocument): Promise<Json> {
  const json = JSON.parse(JSON.stringify(document));
  const { valid, errors } = await new Validator().validate(structuredClone(json));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  return json;
}
