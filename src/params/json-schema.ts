import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** The JSON Schema that nothing fits. */
const nothing: JsonSchema = { not: {} };

/**
 * How each library is asked to write `{}` for what JSON Schema cannot say, a date for instance: as an error it would
 * cost a whole form its coercion. `undefined` fits no text, so beside a number it must not look like `{}`.
 */
const leniency: ReadonlyMap<string, Record<string, unknown>> = new Map([
  ["zod", { unrepresentable: "any", override: excludeZodUndefined }],
  ["valibot", { errorMode: "ignore" }],
  [
    "arktype",
    {
      fallback: {
        unit: ({ base, unit }: { base: JsonSchema; unit: unknown }) => (unit === undefined ? nothing : base),
      },
    },
  ],
]);

/** What a schema takes, as JSON Schema; `undefined` where its library cannot say. */
export function inputJsonSchema(schema: StandardSchemaV1): JsonSchema | undefined {
  const { vendor, jsonSchema } = schema["~standard"] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  if (jsonSchema === undefined) return undefined;
  try {
    const libraryOptions = leniency.get(vendor);
    return jsonSchema.input({ target: "draft-2020-12", ...(libraryOptions && { libraryOptions }) });
  } catch {
    return undefined;
  }
}

/** The schema that a local `$ref` points to; `true`, which everything fits, when it points elsewhere. */
export function resolveReference(root: JsonSchema, reference: unknown): JsonSchema {
  if (typeof reference !== "string" || !reference.startsWith("#")) return true;
  let found: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const key = decodePointerPart(part);
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return true;
    found = (found as Record<string, unknown>)[key];
  }
  return isJsonSchema(found) ? found : true;
}

/** Whether a keyword's value is a schema. */
export function isJsonSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}

/** A keyword's value as a list of schemas; empty if it is none. */
export function toJsonSchemas(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter(isJsonSchema) : [];
}

/** RFC 6901, sections 4 and 6. */
function decodePointerPart(part: string): string {
  try {
    part = decodeURIComponent(part);
  } catch {
    // Not encoded: then it stands for itself.
  }
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function excludeZodUndefined(context: {
  zodSchema: { def?: { type?: unknown } };
  jsonSchema: Record<string, unknown>;
}): void {
  if (context.zodSchema.def?.type === "undefined") context.jsonSchema.not = {};
}
