import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** The JSON Schema that nothing fits. */
const nothing: JsonSchema = { not: {} };

/**
 * How each library is asked to write `{}` for what JSON Schema cannot say, a date for instance: as an error it would
 * cost a whole form its coercion. `undefined` fits no text, so beside a number it must not look like `{}`.
 */
const leniency: ReadonlyMap<string, (side: SchemaSide) => Record<string, unknown>> = new Map<
  string,
  (side: SchemaSide) => Record<string, unknown>
>([
  ["zod", (side) => ({ unrepresentable: "any", override: (context: ZodContext) => overrideZod(context, side) })],
  ["valibot", () => ({ errorMode: "ignore" })],
  [
    "arktype",
    () => ({
      fallback: {
        unit: ({ base, unit }: { base: JsonSchema; unit: unknown }) => (unit === undefined ? nothing : base),
      },
    }),
  ],
]);

/** The options of a library's own converter that say so; `undefined` for a library that needs none. */
export function lenientOptions(vendor: string, side: SchemaSide): Record<string, unknown> | undefined {
  return leniency.get(vendor)?.(side);
}

/** What a schema takes (`input`) or what it makes of that (`output`). */
export type SchemaSide = "input" | "output";

/** What a schema takes, as JSON Schema; `undefined` where its library cannot say. */
export function inputJsonSchema(schema: StandardSchemaV1): JsonSchema | undefined {
  return standardJsonSchema(schema, "input");
}

/** One side of a schema, as Standard JSON Schema gives it; `undefined` where its library cannot say. */
export function standardJsonSchema(schema: StandardSchemaV1, side: SchemaSide): JsonSchema | undefined {
  const { vendor, jsonSchema } = schema["~standard"] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  if (jsonSchema === undefined) return undefined;
  try {
    const libraryOptions = lenientOptions(vendor, side);
    return jsonSchema[side]({ target: "draft-2020-12", ...(libraryOptions && { libraryOptions }) });
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

interface ZodContext {
  readonly zodSchema: { readonly _zod?: { readonly def?: { readonly type?: unknown; readonly catchall?: unknown } } };
  readonly jsonSchema: Record<string, unknown>;
}

function overrideZod({ zodSchema, jsonSchema }: ZodContext, side: SchemaSide): void {
  // oxlint-disable-next-line no-underscore-dangle -- so zod calls what tools may read
  const def = zodSchema._zod?.def;
  if (def?.type === "undefined") jsonSchema.not = {};
  // What it gives is written as JSON.
  if (def?.type === "date" && side === "output") Object.assign(jsonSchema, { type: "string", format: "date-time" });
  // An object that is not strict strips what it does not know. Said of its output, that would make two forms of every schema.
  if (def?.type === "object" && def.catchall === undefined) delete jsonSchema.additionalProperties;
}
