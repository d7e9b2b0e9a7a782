import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { reprScalar } from "./python-repr.ts";

/** Celery shows about so many characters of arguments and results. */
const maxLength = 1_024;

/** Deeper values are shown as `[...]`. */
const maxLevels = 3;

/** Arguments as Celery shows them, a tuple: `('u1', 300)`. */
export function reprArguments(args: readonly JsonValue[]): string {
  return cut(sequence(args, 0, "(", args.length === 1 ? ",)" : ")"));
}

/** Keyword arguments as Celery shows them: `{'width': 300}`. */
export function reprKeywords(kwargs: JsonObject): string {
  return cut(tokens(kwargs, 0));
}

/** A value as Celery shows it in events; cut, with its brackets closed (celery/utils/saferepr.py). */
export function reprValue(value: JsonValue): string {
  return cut(tokens(value, 0));
}

interface Token {
  readonly text: string;
  /** Of one that opens a bracket, what closes it. */
  readonly closing?: string;
  readonly isClosing?: boolean;
  /** Of a value. */
  readonly kind?: "string" | "scalar";
}

function cut(tokens: Iterable<Token>): string {
  const open: string[] = [];
  let shown = "";
  let rest = maxLength;
  for (const token of tokens) {
    if (token.isClosing) open.pop();
    if (rest <= 0) return `${shown}, ...${open.toReversed().join("")}`;
    if (token.closing !== undefined) open.push(token.closing);
    const text = toText(token, rest);
    shown += text;
    rest -= lengthOf(text);
  }
  return shown;
}

/** Brackets and what separates values are never cut. */
function toText({ text, kind }: Token, rest: number): string {
  if (kind === "string") return quote(shorten(text, rest));
  return kind === "scalar" ? shorten(text, rest) : text;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}

/** Cut at the last space before the length, as Celery does. */
function shorten(text: string, length: number): string {
  if (text.length < length) return text;
  const chars = Array.from(text);
  if (chars.length < length) return text;
  const start = chars.slice(0, length).join("");
  const space = start.lastIndexOf(" ");
  return `${space === -1 ? start : start.slice(0, space)}...`;
}

/** Python counts characters, not halves of surrogate pairs. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function* tokens(value: JsonValue, level: number): Generator<Token> {
  if (typeof value === "string") yield { text: value, kind: "string" };
  else if (Array.isArray(value)) yield* sequence(value as readonly JsonValue[], level, "[", "]");
  else if (isJsonObject(value)) yield* members(value, level);
  else yield { text: reprScalar(value as null | boolean | number), kind: "scalar" };
}

function* sequence(values: readonly JsonValue[], level: number, opening: string, closing: string): Generator<Token> {
  if (level >= maxLevels) {
    yield { text: `${opening}...${closing}`, kind: "scalar" };
    return;
  }
  yield { text: opening, closing };
  for (const [index, value] of values.entries()) {
    if (index > 0) yield { text: ", " };
    yield* tokens(value, level + 1);
  }
  yield { text: closing, isClosing: true };
}

function* members(value: JsonObject, level: number): Generator<Token> {
  if (level >= maxLevels) {
    yield { text: "{...}", kind: "scalar" };
    return;
  }
  yield { text: "{", closing: "}" };
  for (const [index, [key, member]] of Object.entries(value).entries()) {
    if (index > 0) yield { text: ", " };
    yield { text: key, kind: "string" };
    yield { text: ": " };
    yield* tokens(member, level + 1);
  }
  yield { text: "}", isClosing: true };
}
