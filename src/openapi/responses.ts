import type { BoundSource } from "../dependencies/source.ts";
import { Parameter } from "../params/parameter.ts";
import { SecurityParameter } from "../security/security-parameter.ts";
import type { Components } from "./components.ts";
import { hasNoBody, phraseOf, type DescribedResponse } from "./described-response.ts";
import type { DescribedRoute } from "./described-route.ts";
import type { DocumentRecord } from "./document.ts";
import { capitalize } from "./operation-id.ts";

/** The answers of an operation: what its handler gives, what its declarations refuse with, and what was said of it by hand. */
export function toResponses(
  route: DescribedRoute,
  hasOptionalPath: boolean,
  components: Components,
  operationId: string,
): DocumentRecord {
  const { status = 200, response, responses = {} } = route.options;
  const found = new Map<number, DocumentRecord>();
  const own: DescribedResponse = response === undefined ? {} : { schema: response };
  for (const [given, described] of Object.entries({
    [status]: own,
    ...responses,
  })) {
    const code = Number(given);
    const said = typeof described === "string" ? { description: described } : described;
    const full = code === status ? { ...own, ...said } : said;
    found.set(
      code,
      toResponse(code, full, components, `${capitalize(operationId)}Response${code === status ? "" : code}`),
    );
  }
  for (const [code, description] of refusals(route.sources, hasOptionalPath)) {
    if (found.has(code)) continue;
    found.set(code, {
      description,
      ...(code === 401 && { headers: { "WWW-Authenticate": textHeader("How to authenticate.") } }),
      ...(code === 503 && { headers: { "Retry-After": textHeader("After how many seconds to try again.") } }),
      content: { "application/json": { schema: code === 422 ? validationError(components) : httpError(components) } },
    });
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => a - b).map(([code, value]) => [String(code), value]));
}

function toResponse(
  status: number,
  { description, schema, contentType, example, headers }: DescribedResponse,
  components: Components,
  name: string,
): DocumentRecord {
  const type = contentType ?? (hasNoBody(status) ? false : "application/json");
  const isText = typeof type === "string" && !/\bjson\b/.test(type);
  const body =
    schema !== undefined
      ? components.schema(schema, "output", name)
      : isText
        ? { type: "string" }
        : status >= 400
          ? httpError(components)
          : {};
  return {
    description: description ?? phraseOf(status),
    ...(headers && {
      headers: Object.fromEntries(Object.entries(headers).map(([header, text]) => [header, textHeader(text)])),
    }),
    ...(type !== false && {
      content: { [type]: { schema: body, ...(example !== undefined && { example }) } },
    }),
  };
}

/** What declarations answer by themselves. */
function refusals(sources: readonly BoundSource[], hasOptionalPath: boolean): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const { place, name, source } of sources) {
    if (source instanceof SecurityParameter && !source.options.optional) found.set(401, "Not authenticated");
    if (place === "body" || place === "form" || place === "file") {
      found.set(400, "The body ended early, or is malformed");
      found.set(413, "The body is too large");
      found.set(415, "The body is of another type");
      found.set(422, "The request is not valid");
    }
    if (place === "file") found.set(507, "There is no room to store the upload");
    if (source instanceof Parameter && (source.schema !== undefined || (place === "path" && hasOptionalPath)))
      found.set(422, "The request is not valid");
    if (place === "token" && name === "BackgroundTasks")
      found.set(503, "Too many tasks wait, or they could not be stored");
  }
  return found;
}

function textHeader(description: string): DocumentRecord {
  return { description, schema: { type: "string" } };
}

function httpError(components: Components): DocumentRecord {
  return components.fixed("HTTPError", {
    title: "HTTPError",
    type: "object",
    properties: { detail: { description: "What went wrong: as a rule a sentence." } },
    required: ["detail"],
  });
}

function validationError(components: Components): DocumentRecord {
  const problem = components.fixed("ValidationError", {
    title: "ValidationError",
    type: "object",
    properties: {
      type: { type: "string", description: "`missing`, `json_invalid`, or what the validator calls it." },
      loc: {
        type: "array",
        items: { anyOf: [{ type: "string" }, { type: "integer" }] },
        description: 'Where: `["query", "q"]`.',
      },
      msg: { type: "string" },
      input: { description: "What came." },
    },
    required: ["type", "loc", "msg"],
  });
  return components.fixed("HTTPValidationError", {
    title: "HTTPValidationError",
    type: "object",
    properties: { detail: { type: "array", items: problem } },
    required: ["detail"],
  });
}
