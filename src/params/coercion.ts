import type { JsonSchema } from "./json-schema.ts";
import { textShape, widen, type Members, type TextShape } from "./text-shape.ts";

/** How text becomes what a schema takes. What cannot be converted stays text, and the schema refuses it. */
export interface Coercion {
  /** Whether the schema takes a list, so that every value of a repeated name counts. If not, the last one does. */
  readonly wantsList: boolean;
  /** For one value; `undefined` when it is to stay as it is. */
  readonly one: ((text: string) => unknown) | undefined;
  /** For all values, when a list is wanted. Never called with none. */
  list(texts: readonly string[]): unknown;
}

/**
 * Works out once what is done for each request: numbers, booleans and lists where the schema takes these and **no**
 * such string. Without a schema nothing is done.
 */
export function planCoercion(schema: JsonSchema | undefined, root: JsonSchema | undefined = schema): Coercion {
  const shape = textShape(schema ?? true, root ?? true);
  const one = scalarCoercion(shape);
  if (shape.lists === "any" || shape.lists.length === 0)
    return { wantsList: false, one, list: (texts) => (one ?? keep)(texts.at(-1)!) };
  const items = itemCoercions(shape, root ?? true);
  const convert = (texts: readonly string[]): unknown[] =>
    texts.map((text, index) => (items.first[index] ?? items.rest)(text));
  const isScalar = scalarTest(shape, one);
  return {
    wantsList: true,
    one,
    list: (texts) => (texts.length === 1 && isScalar(texts[0]!) ? (one ?? keep)(texts[0]!) : convert(texts)),
  };
}

const numberPattern = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number that a text spells in decimal; `undefined` for all that `Number()` reads into `""`, `"0x10"` or
 * `"Infinity"`, for what overflows, and for whole numbers of which digits would be lost.
 */
export function toNumber(text: string): number | undefined {
  if (!numberPattern.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  const losesDigits = Number.isInteger(number) && !Number.isSafeInteger(number) && !/e/i.test(text);
  return losesDigits ? undefined : number;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "true", "on", "yes", "t", "y"].map((word) => [word, true] as const),
  ...["0", "false", "off", "no", "f", "n"].map((word) => [word, false] as const),
]);

/** `true` for 1, true, on, yes, t and y, `false` for 0, false, off, no, f and n, in any case; else `undefined`. */
export function toBoolean(text: string): boolean | undefined {
  return text.length > 5 ? undefined : (booleans.get(text) ?? booleans.get(text.toLowerCase()));
}

function scalarCoercion({ texts, numbers, booleans: truths }: TextShape): ((text: string) => unknown) | undefined {
  if (texts === "all" || (isNone(numbers) && isNone(truths))) return undefined;
  return (text) => {
    if (texts.has(text)) return text;
    const number = isNone(numbers) ? undefined : toNumber(text);
    if (number !== undefined && has(numbers, number)) return number;
    const truth = isNone(truths) ? undefined : toBoolean(text);
    return truth !== undefined && has(truths, truth) ? truth : text;
  };
}

/** Whether a single text is meant as a scalar where the schema takes both a scalar and a list. */
function scalarTest({ texts }: TextShape, one: Coercion["one"]): (text: string) => boolean {
  return (text) => has(texts, text) || (one !== undefined && one(text) !== text);
}

function itemCoercions(
  { lists }: TextShape,
  root: JsonSchema,
): { first: ((text: string) => unknown)[]; rest: (text: string) => unknown } {
  const shapes = lists as Exclude<typeof lists, "any">;
  const length = Math.max(...shapes.map(({ first }) => first.length));
  const at = (index: number): ((text: string) => unknown) =>
    scalarCoercion(shapes.map(({ first, rest }) => textShape(first[index] ?? rest, root)).reduce(widen)) ?? keep;
  return { first: Array.from({ length }, (_, index) => at(index)), rest: at(length) };
}

function has<T>(members: Members<T>, value: T): boolean {
  return members === "all" || members.has(value);
}

function isNone(members: Members<unknown>): boolean {
  return members !== "all" && members.size === 0;
}

function keep(text: string): string {
  return text;
}
