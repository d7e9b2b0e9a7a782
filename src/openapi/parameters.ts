import type { BoundSource } from "../dependencies/source.ts";
import { isThenable } from "../internal/thenable.ts";
import { Parameter } from "../params/parameter.ts";
import type { NamedParameterOptions, ParameterOptions } from "../params/parameter-options.ts";
import type { JsonSchema } from "../params/json-schema.ts";
import type { Components } from "./components.ts";
import type { DocumentRecord } from "./document.ts";
import type { PathTemplate } from "./path-template.ts";

const places: ReadonlySet<string> = new Set(["path", "query", "header", "cookie"]);

/** OpenAPI 3.1.1, section 4.8.12.1: these are described elsewhere, and ignored as parameters. */
const describedElsewhere: ReadonlySet<string> = new Set(["accept", "content-type", "authorization"]);

/** The parameters of an operation: each once, required if any of its declarations requires it. */
export function toParameters(
  sources: readonly BoundSource[],
  { parameters: inPath, renamed }: PathTemplate,
  components: Components,
): DocumentRecord[] {
  const found = new Map<string, DocumentRecord>();
  for (const [name, pattern] of inPath)
    found.set(`path ${name}`, {
      name: renamed?.get(name) ?? name,
      in: "path",
      required: true,
      schema: textSchema(pattern),
    });
  for (const bound of sources) {
    const { place, name, source } = bound;
    if (!(source instanceof Parameter) || !places.has(place) || source.options.includeInSchema === false) continue;
    if (place === "header" && describedElsewhere.has(name.toLowerCase())) continue;
    if (place === "path" && !inPath.has(name)) continue;
    const key = `${place} ${place === "header" ? name.toLowerCase() : name}`;
    const known = found.get(key);
    const isRequired = place === "path" || isRequiredBy(source) || known?.required === true;
    const schema = schemaOf(source, components, name, inPath.get(name));
    found.set(key, {
      name: place === "path" ? (renamed?.get(name) ?? name) : name,
      in: place,
      ...(isRequired && { required: true }),
      ...describe(source.options),
      schema: withTitle(schema, source.options),
    });
  }
  return [...found.values()];
}

/** Whether leaving the value out is answered with 422. */
export function isRequiredBy({ schema }: Parameter<unknown, ParameterOptions>): boolean {
  if (schema === undefined) return false;
  try {
    const result = schema["~standard"].validate(undefined);
    // An asynchronous schema cannot be asked here.
    if (isThenable(result)) {
      void Promise.resolve(result).catch(() => {});
      return true;
    }
    return (result as { issues?: unknown }).issues !== undefined;
  } catch {
    return true;
  }
}

/** What a declaration's options say of it, in the words of OpenAPI. */
export function describe({ description, deprecated, example, examples }: ParameterOptions): DocumentRecord {
  const given = [...(example === undefined ? [] : [example]), ...(examples ?? [])];
  return {
    ...(description !== undefined && { description }),
    ...(deprecated && { deprecated }),
    ...(given.length === 1 && { example: given[0] }),
    ...(given.length > 1 && {
      examples: Object.fromEntries(given.map((value, index) => [`example${index + 1}`, { value }])),
    }),
  };
}

export function withTitle(schema: JsonSchema, { title }: ParameterOptions): JsonSchema {
  return title === undefined || typeof schema === "boolean" ? schema : { title, ...schema };
}

function schemaOf(
  { schema }: Parameter<unknown, NamedParameterOptions>,
  components: Components,
  name: string,
  pattern: string | undefined,
): JsonSchema {
  return schema === undefined ? textSchema(pattern) : components.schema(schema, "input", name);
}

function textSchema(pattern: string | undefined): JsonSchema {
  return { type: "string", ...(pattern !== undefined && { pattern: `^(?:${pattern})$` }) };
}
