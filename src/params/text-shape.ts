import { isJsonSchema, resolveReference, toJsonSchemas, type JsonSchema } from "./json-schema.ts";

/** All values of a kind, or only these. */
export type Members<T> = "all" | ReadonlySet<T>;

/** The items of a list: the first ones each by its own schema, the others by `rest`. */
export interface ListShape {
  readonly first: readonly JsonSchema[];
  readonly rest: JsonSchema;
}

/** What a JSON Schema takes of what could be made from text. Objects and `null` cannot. */
export interface TextShape {
  readonly texts: Members<string>;
  readonly numbers: Members<number>;
  readonly booleans: Members<boolean>;
  /** `"any"` when the schema does not speak of lists, so that nobody asked for one. */
  readonly lists: "any" | readonly ListShape[];
}

const none: ReadonlySet<never> = new Set<never>();
const everything: TextShape = { texts: "all", numbers: "all", booleans: "all", lists: "any" };
const nothing: TextShape = { texts: none, numbers: none, booleans: none, lists: [] };

/** Reads the shape off a schema: its own keywords narrow each other, `anyOf` and `oneOf` widen. */
export function textShape(
  schema: JsonSchema,
  root: JsonSchema = schema,
  inside: readonly JsonSchema[] = [],
): TextShape {
  if (typeof schema === "boolean") return schema ? everything : nothing;
  // A schema that is defined by itself adds nothing to itself.
  if (inside.includes(schema)) return nothing;
  const path = [...inside, schema];
  const of = (part: JsonSchema): TextShape => textShape(part, root, path);
  let shape = everything;
  if ("type" in schema) shape = narrow(shape, typesShape(schema));
  if ("const" in schema) shape = narrow(shape, membersShape([schema.const]));
  if (Array.isArray(schema.enum)) shape = narrow(shape, membersShape(schema.enum));
  if ("$ref" in schema) shape = narrow(shape, of(resolveReference(root, schema.$ref)));
  for (const part of toJsonSchemas(schema.allOf)) shape = narrow(shape, of(part));
  for (const choices of [schema.anyOf, schema.oneOf])
    if (Array.isArray(choices)) shape = narrow(shape, toJsonSchemas(choices).map(of).reduce(widen, nothing));
  return fitsEverything(schema.not) ? nothing : shape;
}

/** What fits one of two. */
export function widen(a: TextShape, b: TextShape): TextShape {
  return {
    texts: union(a.texts, b.texts),
    numbers: union(a.numbers, b.numbers),
    booleans: union(a.booleans, b.booleans),
    lists: widenLists(a.lists, b.lists),
  };
}

function narrow(a: TextShape, b: TextShape): TextShape {
  return {
    texts: intersection(a.texts, b.texts),
    numbers: intersection(a.numbers, b.numbers),
    booleans: intersection(a.booleans, b.booleans),
    lists: narrowLists(a.lists, b.lists),
  };
}

function typesShape(schema: { readonly [keyword: string]: unknown }): TextShape {
  const types: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  return {
    texts: types.includes("string") ? "all" : none,
    numbers: types.includes("number") || types.includes("integer") ? "all" : none,
    booleans: types.includes("boolean") ? "all" : none,
    lists: types.includes("array")
      ? [{ first: toJsonSchemas(schema.prefixItems), rest: isJsonSchema(schema.items) ? schema.items : true }]
      : [],
  };
}

function membersShape(members: readonly unknown[]): TextShape {
  return {
    texts: new Set(members.filter((member) => typeof member === "string")),
    numbers: new Set(members.filter((member) => typeof member === "number")),
    booleans: new Set(members.filter((member) => typeof member === "boolean")),
    lists: [],
  };
}

function widenLists(a: TextShape["lists"], b: TextShape["lists"]): TextShape["lists"] {
  if (b.length === 0) return a;
  if (a.length === 0 || a === "any") return b;
  return b === "any" ? a : [...a, ...b];
}

function narrowLists(a: TextShape["lists"], b: TextShape["lists"]): TextShape["lists"] {
  if (a === "any" || b.length === 0) return b;
  return a;
}

function union<T>(a: Members<T>, b: Members<T>): Members<T> {
  return a === "all" || b === "all" ? "all" : new Set([...a, ...b]);
}

function intersection<T>(a: Members<T>, b: Members<T>): Members<T> {
  if (a === "all") return b;
  return b === "all" ? a : new Set([...a].filter((member) => b.has(member)));
}

function fitsEverything(schema: unknown): boolean {
  return schema === true || (isJsonSchema(schema) && typeof schema === "object" && Object.keys(schema).length === 0);
}
