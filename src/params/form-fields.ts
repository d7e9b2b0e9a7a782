import { planCoercion, type Coercion } from "./coercion.ts";
import { isJsonSchema, resolveReference, toJsonSchemas, type JsonSchema } from "./json-schema.ts";

/** How the text of a form's fields becomes what its schema takes. */
export interface FormFields {
  of(name: string): Coercion;
}

type Keyword = "allOf" | "anyOf";

/** Works out once, field by field, what a form's schema takes. */
export function planFormFields(schema: JsonSchema | undefined): FormFields {
  const properties = new Map<string, JsonSchema>();
  const others: JsonSchema[] = [];
  if (schema !== undefined) collect(schema, schema, properties, others, []);
  const fields = new Map([...properties].map(([name, property]) => [name, planCoercion(property, schema)]));
  const other = planCoercion(others.length === 0 ? true : { anyOf: others }, schema);
  return { of: (name) => fields.get(name) ?? other };
}

/** Gathers the schema of each property from all parts of a schema; of unnamed ones into `others`. */
function collect(
  schema: JsonSchema,
  root: JsonSchema,
  into: Map<string, JsonSchema>,
  others: JsonSchema[],
  inside: readonly JsonSchema[],
): void {
  if (typeof schema === "boolean" || inside.includes(schema)) return;
  const path = [...inside, schema];
  const { properties, additionalProperties } = schema;
  if (typeof properties === "object" && properties !== null)
    for (const [name, property] of Object.entries(properties))
      if (isJsonSchema(property)) add(into, name, property, "allOf");
  if (isJsonSchema(additionalProperties) && additionalProperties !== false) others.push(additionalProperties);
  if ("$ref" in schema) merge(resolveReference(root, schema.$ref), "allOf");
  for (const part of toJsonSchemas(schema.allOf)) merge(part, "allOf");
  for (const choices of [schema.anyOf, schema.oneOf]) {
    const chosen = new Map<string, JsonSchema>();
    for (const choice of toJsonSchemas(choices)) {
      const own = new Map<string, JsonSchema>();
      collect(choice, root, own, others, path);
      for (const [name, property] of own) add(chosen, name, property, "anyOf");
    }
    for (const [name, property] of chosen) add(into, name, property, "allOf");
  }

  function merge(part: JsonSchema, keyword: Keyword): void {
    const own = new Map<string, JsonSchema>();
    collect(part, root, own, others, path);
    for (const [name, property] of own) add(into, name, property, keyword);
  }
}

function add(into: Map<string, JsonSchema>, name: string, property: JsonSchema, keyword: Keyword): void {
  const known = into.get(name);
  into.set(name, known === undefined ? property : { [keyword]: [known, property] });
}
