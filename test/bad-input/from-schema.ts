import * as fc from "fast-check";

/** A JSON Schema of a document, whose references are resolved. */
export type Schema = { readonly [keyword: string]: unknown };

/** Finds what `$ref` means. */
export type Resolve = (reference: string) => Schema;

const anything: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 2 });

/** Values that fit a schema of the kinds that our documents have. Self-containing schemas end after a few levels. */
export function fitting(schema: Schema, resolve: Resolve, depth = 0): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === "string") return fitting(resolve(schema.$ref), resolve, depth + 1);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (choices) return fc.oneof(...choices.map((choice) => fitting(choice, resolve, depth)));
  switch (schema.type) {
    case "string":
      return texts(schema);
    case "integer":
    case "number": {
      const { minimum = -1_000, maximum = 1_000, exclusiveMinimum } = schema as Record<string, number | undefined>;
      const least = Math.ceil(Math.max(minimum, exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1));
      return schema.type === "integer"
        ? fc.integer({ min: least, max: Math.floor(maximum) })
        : fc.double({ min: least, max: maximum, noNaN: true }).map((value) => Math.round(value * 100) / 100 + 0);
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const {
        items = {},
        minItems = 0,
        maxItems = 3,
      } = schema as { items?: Schema; minItems?: number; maxItems?: number };
      if (depth > 3 && minItems === 0) return fc.constant([]);
      const maxLength = Math.max(minItems, Math.min(maxItems, 4));
      return fc.array(fitting(items, resolve, depth + 1), { minLength: minItems, maxLength });
    }
    case "object":
      return objects(schema, resolve, depth);
    default:
      return anything;
  }
}

function texts({ format, pattern, minLength = 0, maxLength = 12 }: Schema): fc.Arbitrary<string> {
  if (format === "email") return fc.nat(99).map((number) => `user${number}@example.com`);
  if (format === "date-time") return fc.constantFrom("2026-11-24T12:00:00Z", "1999-01-01T00:00:00.000Z");
  if (format === "uuid") return fc.uuid();
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern, "u"));
  return fc.string({ minLength: minLength as number, maxLength: maxLength as number });
}

function objects(schema: Schema, resolve: Resolve, depth: number): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = (schema.required ?? []) as readonly string[];
  const record = fc.record(
    Object.fromEntries(properties.map(([name, property]) => [name, fitting(property, resolve, depth + 1)])),
    { requiredKeys: required as never },
  );
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== "object" || additionalProperties === null) return record;
  const more = fc.dictionary(
    fc.string({ maxLength: 6 }).filter((name) => name !== "__proto__"),
    fitting(additionalProperties as Schema, resolve, depth + 1),
    { maxKeys: 2 },
  );
  return fc.tuple(more, record).map(([others, own]) => ({ ...others, ...(own as object) }));
}

/** Whether a value fits a schema of a document: what is wrong, or `undefined`. Of formats only those that are JSON's affair. */
export function misfit(schema: Schema, value: unknown, resolve: Resolve, at = "body"): string | undefined {
  if (typeof schema.$ref === "string") return misfit(resolve(schema.$ref), value, resolve, at);
  if ("const" in schema && JSON.stringify(schema.const) !== JSON.stringify(value))
    return `${at} is not ${String(schema.const)}`;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return `${at} is none of ${schema.enum.join(", ")}`;
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (choices && choices.every((choice) => misfit(choice, value, resolve, at) !== undefined))
    return `${at} fits no choice`;
  switch (schema.type) {
    case "string":
      return typeof value === "string" ? undefined : `${at} is no string`;
    case "integer":
      return Number.isInteger(value) ? undefined : `${at} is no integer`;
    case "number":
      return typeof value === "number" ? undefined : `${at} is no number`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `${at} is no boolean`;
    case "null":
      return value === null ? undefined : `${at} is not null`;
    case "array": {
      if (!Array.isArray(value)) return `${at} is no list`;
      for (const [index, item] of value.entries()) {
        const wrong = misfit((schema.items ?? {}) as Schema, item, resolve, `${at}.${index}`);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    }
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return `${at} is no object`;
      for (const name of (schema.required ?? []) as readonly string[])
        if (!Object.hasOwn(value, name)) return `${at} lacks ${name}`;
      for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, Schema>)) {
        if (!Object.hasOwn(value, name)) continue;
        const wrong = misfit(property, (value as Record<string, unknown>)[name], resolve, `${at}.${name}`);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}
