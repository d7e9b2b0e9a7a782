import type { OpenApiDocument } from "afterword";
import * as fc from "fast-check";
import { fitting, type Resolve, type Schema } from "./from-schema.ts";

/** A request that was made from an operation of a document. */
export interface DocumentedRequest {
  readonly operation: Operation;
  /** Whether everything in it fits the document. */
  readonly isRight: boolean;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData | undefined;
}

/** An operation of a document. */
export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly Parameter[];
  readonly content: Readonly<Record<string, { readonly schema: Schema }>> | undefined;
  readonly isBodyRequired: boolean;
  readonly isSecured: boolean;
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

/** An answer that a document lists. */
export interface DocumentedResponse {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required?: boolean;
  readonly schema: Schema;
}

/** All operations of a document. */
export function operationsOf(document: OpenApiDocument): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Operation => {
      const body = operation.requestBody as { content: Operation["content"]; required?: boolean } | undefined;
      return {
        path,
        method: method.toUpperCase(),
        parameters: (operation.parameters ?? []) as readonly Parameter[],
        content: body?.content,
        isBodyRequired: body?.required ?? false,
        isSecured: operation.security !== undefined,
        responses: operation.responses as Operation["responses"],
      };
    }),
  );
}

/** What a reference in a document means. */
export function resolverOf(document: OpenApiDocument): Resolve {
  return (reference) => {
    const [, , kind, name] = reference.split("/");
    return document.components![kind!]![name!]!;
  };
}

const wrongTexts = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "x",
    "-1",
    "1e999",
    "null",
    "[]",
    "{}",
    "__proto__",
    "é",
    "😀",
    "\u0000",
    "%",
    "9".repeat(30),
  ),
  fc.string({ unit: "binary", maxLength: 10 }).map((text) => text.toWellFormed()),
);

/** As long, of what a header can carry. */
const headerSafe = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, "x");

/** Requests that fit an operation, and requests that do not in one place or in several. */
export function requestsOf(operation: Operation, resolve: Resolve): fc.Arbitrary<DocumentedRequest> {
  return fc.boolean().chain((isRight) => {
    const parameters = operation.parameters.map((parameter) =>
      parameterValue(parameter, resolve, isRight).map((value) => [parameter, value] as const),
    );
    const token = isRight ? fc.constant("abc") : fc.constantFrom("abc", "", undefined);
    return fc
      .tuple(fc.tuple(...parameters), contentOf(operation, resolve, isRight), token)
      .map(([values, content, credentials]) => assemble(operation, isRight, values, content, credentials));
  });
}

type Value = readonly string[] | undefined;

function parameterValue(parameter: Parameter, resolve: Resolve, isRight: boolean): fc.Arbitrary<Value> {
  const right = fitting(parameter.schema, resolve).map((value) => {
    const texts = (Array.isArray(value) ? value : [value]).map((item) =>
      typeof item === "object" ? JSON.stringify(item) : String(item),
    );
    return parameter.in === "header" || parameter.in === "cookie" ? texts.map(headerSafe) : texts;
  });
  const isSendable = (value: Value): boolean =>
    // An empty part of a path is another path, and a text that is trimmed away is another value.
    value === undefined || parameter.in === "query" || value.every((text) => text !== "" && text.trim() === text);
  const absent = fc.constant<Value>(undefined);
  const maybe = parameter.required ? right : fc.option(right, { nil: undefined });
  if (isRight) return maybe.filter(isSendable);
  const wrong = fc.oneof(
    { weight: 2, arbitrary: maybe as fc.Arbitrary<Value> },
    { weight: 2, arbitrary: fc.array(wrongTexts, { minLength: 1, maxLength: 3 }) },
    ...(parameter.in === "path" ? [] : [{ weight: 1, arbitrary: absent }]),
  );
  return wrong.map((value) =>
    parameter.in === "header" || parameter.in === "cookie" ? value?.map(headerSafe) : value,
  );
}

interface Content {
  readonly type: string | undefined;
  readonly body: string | FormData;
}

function contentOf(operation: Operation, resolve: Resolve, isRight: boolean): fc.Arbitrary<Content | undefined> {
  const kinds = Object.entries(operation.content ?? {});
  const nothing = fc.constant(undefined);
  if (kinds.length === 0) return nothing;
  const right = fc
    .constantFrom(...kinds)
    .chain(([type, { schema }]) =>
      fitting(schema, resolve).map((value) => encode(type, value, inlined(schema, resolve))),
    );
  if (isRight) return operation.isBodyRequired ? right : fc.option(right, { nil: undefined });
  return fc.oneof(
    { weight: 2, arbitrary: right },
    {
      weight: 2,
      arbitrary: fc.jsonValue().map((value): Content => ({ type: "application/json", body: JSON.stringify(value) })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...kinds.map(([type]) => type), "text/plain", "application/xml", undefined),
          fc.constantFrom("{", "[1,", '{"a":1}x', "a=1&b", "--x\r\n", "x".repeat(20_000), '{"__proto__":1}', "\ud800"),
        )
        .map(([type, body]): Content => ({ type, body })),
    },
    nothing,
  );
}

function inlined(schema: Schema, resolve: Resolve): Schema {
  return typeof schema.$ref === "string" ? inlined(resolve(schema.$ref), resolve) : schema;
}

function encode(type: string, value: unknown, schema: Schema): Content {
  if (type === "application/json") return { type, body: JSON.stringify(value) };
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const fields = Object.entries(value as Record<string, unknown>).flatMap(([name, item]) =>
    (Array.isArray(item) ? item : [item]).map((one) => [name, String(one)] as const),
  );
  if (type === "application/x-www-form-urlencoded")
    return { type, body: new URLSearchParams(fields.map(([...pair]) => pair)).toString() };
  const form = new FormData();
  for (const [name, text] of fields) {
    const items = properties[name]?.items as Schema | undefined;
    const isFile = properties[name]?.format === "binary" || items?.format === "binary";
    if (isFile) form.append(name, new File([text], "a.png", { type: "image/png" }));
    else form.append(name, text);
  }
  return { type: undefined, body: form };
}

/** A part of a path. An empty one, and one of dots, would be another path. */
function toSegment(text = ""): string {
  return /^\.{0,2}$/.test(text) ? "0" : encodeURIComponent(text);
}

function assemble(
  operation: Operation,
  isRight: boolean,
  values: readonly (readonly [Parameter, Value])[],
  content: Content | undefined,
  credentials: string | undefined,
): DocumentedRequest {
  let target = operation.path;
  const search = new URLSearchParams();
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const [{ name, in: place }, texts] of values) {
    if (texts === undefined) continue;
    if (place === "path") target = target.replace(`{${name}}`, toSegment(texts[0]));
    else if (place === "query") for (const text of texts) search.append(name, text);
    else if (place === "header") headers[name] = texts.join(",");
    else cookies.push(`${name}=${encodeURIComponent(texts[0] ?? "")}`);
  }
  if (cookies.length > 0) headers.cookie = cookies.join("; ");
  if (content?.type !== undefined) headers["content-type"] = content.type;
  if (operation.isSecured && credentials !== undefined) headers.authorization = `Bearer ${credentials}`;
  return {
    operation,
    isRight,
    method: operation.method,
    target: search.size === 0 ? target : `${target}?${search.toString()}`,
    headers,
    body: content?.body,
  };
}
