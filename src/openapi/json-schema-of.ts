import { createRequire } from "node:module";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { lenientOptions, standardJsonSchema, type JsonSchema, type SchemaSide } from "../params/json-schema.ts";

/** A converter that a library offers beside its schemas. */
type Convert = (schema: StandardSchemaV1, side: SchemaSide) => JsonSchema;

/**
 * One side of a schema as JSON Schema, for the document; `true`, which says nothing, where nobody can say.
 *
 * Schemas that do not convert themselves are converted by what their library offers: zod/mini by zod, valibot by
 * \@valibot/to-json-schema if it is installed, and a typebox schema is a JSON Schema already.
 */
export function jsonSchemaOf(schema: StandardSchemaV1, side: SchemaSide): JsonSchema {
  const own = standardJsonSchema(schema, side);
  if (own !== undefined) return own;
  const convert = converters.get(schema["~standard"].vendor);
  if (convert === undefined) return true;
  try {
    return convert(schema, side);
  } catch {
    // The converter is not installed, or the schema has something that JSON Schema lacks.
    return true;
  }
}

const converters: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  [
    "zod",
    (schema, side) => {
      const { toJSONSchema } = load("zod/v4/core") as {
        toJSONSchema: (schema: unknown, options: object) => JsonSchema;
      };
      return toJSONSchema(schema, { io: side, target: "draft-2020-12", ...lenientOptions("zod", side) });
    },
  ],
  [
    "valibot",
    (schema, side) => {
      const { toJsonSchema } = load("@valibot/to-json-schema") as {
        toJsonSchema: (schema: unknown, options: object) => JsonSchema;
      };
      return toJsonSchema(schema, { typeMode: side, target: "draft-2020-12", ...lenientOptions("valibot", side) });
    },
  ],
  ["typebox", (schema) => JSON.parse(JSON.stringify(schema)) as JsonSchema],
]);

/** Loads an optional package, from where this package is or else from where the program is. */
function load(name: string): unknown {
  try {
    return createRequire(import.meta.url)(name);
  } catch {
    return createRequire(`${process.cwd()}/`)(name);
  }
}
