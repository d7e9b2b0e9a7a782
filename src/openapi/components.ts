import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { SchemaSide } from "../params/json-schema.ts";
import { jsonSchemaOf } from "./json-schema-of.ts";

type SchemaRecord = { readonly [keyword: string]: unknown };

/** A schema that has a name of its own, as one conversion gave it. */
interface Entry {
  readonly name: string;
  readonly side: SchemaSide;
  readonly definition: SchemaRecord;
  /** The entries that its own references mean. */
  readonly references: ReadonlyMap<string, Entry>;
  /** Itself and all that it refers to: two of the same text are one schema. */
  readonly text: string;
}

/**
 * The named schemas of a document. A schema whose library gives it an id (`z.object({…}).meta({ id: "Item" })`) stands once,
 * under that name, and everything refers to it. Where what it takes differs from what it gives, both forms stand there, as
 * `ItemInput` and `ItemOutput`.
 */
export class Components {
  readonly #entries = new Map<string, Entry>();
  readonly #fixed = new Map<string, SchemaRecord>();

  /** A schema that the framework itself describes. @returns a reference to it */
  fixed(name: string, definition: SchemaRecord): SchemaRecord {
    this.#fixed.set(name, definition);
    return { $ref: `#/components/schemas/${name}` };
  }

  /**
   * One side of a schema, with references to the named ones in it, to be settled by {@link settle}.
   *
   * @param ownName - the name for a schema that refers to itself and has none
   */
  schema(schema: StandardSchemaV1, side: SchemaSide, ownName: string): SchemaRecord {
    const { root, named, isItsOwnPart } = convert(schema, side);
    const title = typeof root.title === "string" && /^[A-Za-z][\w.-]*$/.test(root.title) ? root.title : undefined;
    if (!isItsOwnPart && !(title !== undefined && root.type === "object"))
      return this.#point(root, this.#enter(named, side));
    const name = title ?? ownName;
    named.set(name, root);
    return this.#point({ $ref: "#" }, this.#enter(named, side, name));
  }

  /** Like {@link schema}, but the schema itself is no reference. */
  inline(schema: StandardSchemaV1, side: SchemaSide): SchemaRecord {
    const { root, named } = convert(schema, side);
    const references = this.#enter(named, side);
    const target = typeof root.$ref === "string" ? references.get(root.$ref) : undefined;
    return this.#point(target?.definition ?? root, references);
  }

  /** The definitions, and a function that puts the final names into what {@link schema} returned. */
  settle(): { readonly schemas: Record<string, unknown>; readonly resolve: <T>(value: T) => T } {
    const names = new Map<Entry, string>();
    const taken = new Set(this.#fixed.keys());
    const groups = Map.groupBy(this.#entries.values(), ({ name }) => name);
    for (const [name, entries] of [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const texts = [...new Set(entries.map(({ text }) => text))];
      for (const entry of entries) {
        const isOneOfTwoSides = texts.length === 2 && new Set(entries.map(({ side }) => side)).size === 2;
        const index = texts.indexOf(entry.text);
        const wish =
          texts.length === 1
            ? name
            : isOneOfTwoSides
              ? `${name}${entry.side === "input" ? "Input" : "Output"}`
              : `${name}${index === 0 ? "" : index + 1}`;
        const known = entries.find((other) => other !== entry && other.text === entry.text && names.has(other));
        names.set(entry, known ? names.get(known)! : unique(wish, taken));
      }
    }
    const resolve = <T>(value: T): T => replaceReferences(value, names) as T;
    const schemas: Record<string, unknown> = Object.fromEntries(this.#fixed);
    for (const entry of this.#entries.values())
      schemas[names.get(entry)!] ??= resolve(point(entry.definition, entry.references));
    return { schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))), resolve };
  }

  /** Enters the definitions of one conversion. `root` is the name of the one that `#` means. */
  #enter(named: ReadonlyMap<string, SchemaRecord>, side: SchemaSide, root?: string): ReadonlyMap<string, Entry> {
    const references = new Map<string, Entry>();
    for (const [name, definition] of named) {
      const text = closure(name, named, root);
      const key = `${side} ${text}`;
      const entry = this.#entries.get(key) ?? { name: toName(name), side, definition, references, text };
      this.#entries.set(key, entry);
      for (const pointer of [`#/$defs/${escapePointer(name)}`, `#/$defs/${name}`, name]) references.set(pointer, entry);
      if (name === root) references.set("#", entry);
    }
    return references;
  }

  #point(schema: SchemaRecord, references: ReadonlyMap<string, Entry>): SchemaRecord {
    return point(schema, references) as SchemaRecord;
  }
}

/** A schema as its library converts it: its root, and the definitions beside it. */
function convert(
  schema: StandardSchemaV1,
  side: SchemaSide,
): { readonly root: SchemaRecord; readonly named: Map<string, SchemaRecord>; readonly isItsOwnPart: boolean } {
  const converted = jsonSchemaOf(schema, side);
  if (typeof converted === "boolean")
    return { root: converted ? {} : { not: {} }, named: new Map(), isItsOwnPart: false };
  const { $schema: _dialect, $defs, ...root } = mapRecords(converted, tidy) as SchemaRecord;
  return {
    root,
    named: new Map(Object.entries(($defs ?? {}) as Record<string, SchemaRecord>)),
    isItsOwnPart: JSON.stringify([root, $defs]).includes('"$ref":"#"'),
  };
}

/** Stands for a name that is not settled yet. */
class Pointer {
  readonly entry: Entry;

  constructor(entry: Entry) {
    this.entry = entry;
  }
}

/** A schema with pointers where it refers to named ones. */
function point(value: unknown, references: ReadonlyMap<string, Entry>): unknown {
  return mapRecords(value, (record) => {
    const entry = typeof record.$ref === "string" ? references.get(record.$ref) : undefined;
    return entry === undefined ? record : { ...record, $ref: new Pointer(entry) };
  });
}

function replaceReferences(value: unknown, names: ReadonlyMap<Entry, string>): unknown {
  return mapRecords(value, (record) =>
    record.$ref instanceof Pointer
      ? { ...record, $ref: `#/components/schemas/${names.get(record.$ref.entry)!}` }
      : record,
  );
}

function mapRecords(value: unknown, change: (record: SchemaRecord) => SchemaRecord): unknown {
  if (Array.isArray(value)) return value.map((item) => mapRecords(item, change));
  if (typeof value !== "object" || value === null || value instanceof Pointer) return value;
  const changed = change(value as SchemaRecord);
  return Object.fromEntries(Object.entries(changed).map(([key, item]) => [key, mapRecords(item, change)]));
}

/** Without what libraries write for the sake of completeness: `undefined` among choices, the range of safe integers. */
function tidy(record: SchemaRecord): SchemaRecord {
  const { anyOf, minimum, maximum, ...rest } = record;
  const choices = Array.isArray(anyOf) ? anyOf.filter((choice) => JSON.stringify(choice) !== '{"not":{}}') : undefined;
  if (choices?.length === 1) return tidy({ ...rest, ...(choices[0] as SchemaRecord) });
  return {
    ...rest,
    ...(choices && { anyOf: choices }),
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
  };
}

/** The text of a definition and of all that it reaches. */
function closure(name: string, named: ReadonlyMap<string, SchemaRecord>, root: string | undefined): string {
  const reached = new Set([name]);
  for (const current of reached) {
    const text = JSON.stringify(named.get(current));
    for (const other of named.keys())
      if (
        text.includes(`"$ref":${JSON.stringify(`#/$defs/${escapePointer(other)}`)}`) ||
        text.includes(`"$ref":${JSON.stringify(other)}`)
      )
        reached.add(other);
    if (root !== undefined && text.includes('"$ref":"#"')) reached.add(root);
  }
  return [...reached].map((each) => `${each}=${JSON.stringify(named.get(each))}`).join("\n");
}

/** OpenAPI 3.1.1, section 4.8.7.1: names of components are of letters, digits and `.-_`. */
function toName(id: string): string {
  return id.replaceAll(/[^\w.-]+/g, "_");
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unique(wish: string, taken: Set<string>): string {
  let name = wish;
  for (let count = 2; taken.has(name); count++) name = `${wish}${count}`;
  taken.add(name);
  return name;
}
