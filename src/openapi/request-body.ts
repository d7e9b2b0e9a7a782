import type { BoundSource } from "../dependencies/source.ts";
import { BoundFile } from "../params/bound-file.ts";
import { BodyParameter } from "../params/body.ts";
import { FilesParameter } from "../params/files.ts";
import { FormParameter } from "../params/form.ts";
import type { JsonSchema } from "../params/json-schema.ts";
import type { Components } from "./components.ts";
import type { DocumentRecord } from "./document.ts";
import { capitalize } from "./operation-id.ts";
import { describe, isRequiredBy, withTitle } from "./parameters.ts";

/** The body of an operation: JSON, or a form with its files. `undefined` when it reads none. */
export function toRequestBody(
  sources: readonly BoundSource[],
  components: Components,
  operationId: string,
): DocumentRecord | undefined {
  for (const { source } of sources)
    if (source instanceof BodyParameter && source.options.includeInSchema !== false)
      return toJsonBody(source, components, operationId);
  const form = sources.find(({ source }) => source instanceof FormParameter && source.options.includeInSchema !== false)
    ?.source as FormParameter<unknown> | undefined;
  const files = sources.filter(
    (bound): bound is BoundFile => bound instanceof BoundFile && bound.source.options.includeInSchema !== false,
  );
  return form === undefined && files.length === 0 ? undefined : toFormBody(form, files, components, operationId);
}

function toJsonBody(source: BodyParameter<unknown>, components: Components, operationId: string): DocumentRecord {
  const { description, ...media } = describe(source.options);
  const schema: JsonSchema =
    source.schema === undefined ? {} : components.schema(source.schema, "input", `${capitalize(operationId)}Body`);
  const { deprecated: _, ...example } = media;
  return {
    ...(description !== undefined && { description }),
    ...(isRequiredBy(source) && { required: true }),
    content: { "application/json": { schema: withTitle(schema, source.options), ...example } },
  };
}

function toFormBody(
  form: FormParameter<unknown> | undefined,
  files: readonly BoundFile[],
  components: Components,
  operationId: string,
): DocumentRecord {
  const fields: JsonSchema =
    form?.schema === undefined
      ? { type: "object" }
      : components.schema(form.schema, "input", `${capitalize(operationId)}Form`);
  const { description, deprecated: _, ...example } = describe(form?.options ?? {});
  const isRequired =
    files.some(({ source }) => source.options.optional !== true) || (form !== undefined && !takesNothing(form));
  const start = {
    ...(description !== undefined && { description }),
    ...(isRequired && { required: true }),
  };
  const described = withTitle(fields, form?.options ?? {});
  if (files.length === 0)
    return {
      ...start,
      content: {
        "application/x-www-form-urlencoded": { schema: described, ...example },
        "multipart/form-data": { schema: described, ...example },
      },
    };
  const encoding = files.flatMap(({ name, rule }) => {
    const types = rule.types?.filter((type) => !type.startsWith("."));
    return types?.length ? [[name, { contentType: types.join(", ") }] as const] : [];
  });
  return {
    ...start,
    content: {
      "multipart/form-data": {
        schema: withFiles(form?.schema === undefined ? {} : components.inline(form.schema, "input"), files),
        ...(encoding.length > 0 && { encoding: Object.fromEntries(encoding) }),
      },
    },
  };
}

/** Whether a form without fields is right. */
function takesNothing({ schema }: FormParameter<unknown>): boolean {
  if (schema === undefined) return true;
  const result = schema["~standard"].validate({});
  return "issues" in result ? result.issues === undefined : !(result instanceof Promise);
}

/** One schema of the fields and the files, since not all tools put the parts of an `allOf` into one form. */
function withFiles(fields: DocumentRecord, files: readonly BoundFile[]): JsonSchema {
  const { properties, required, ...rest } = fields;
  const own = {
    type: "object",
    properties: {
      ...(properties as DocumentRecord | undefined),
      ...Object.fromEntries(files.map((file) => [file.name, fileSchema(file)])),
    },
  };
  const names = [
    ...((required as readonly string[] | undefined) ?? []),
    ...files.filter(({ source }) => source.options.optional !== true).map(({ name }) => name),
  ];
  return { ...rest, ...own, ...(names.length > 0 && { required: names }) };
}

function fileSchema({ rule, source }: BoundFile): JsonSchema {
  const { description, deprecated, title } = source.options;
  const said = {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(deprecated && { deprecated }),
  };
  // `format` is OpenAPI 3.0's word for it, by which Swagger UI and generators know a file still.
  const one = { type: "string", format: "binary", contentMediaType: "application/octet-stream" };
  if (!(source instanceof FilesParameter)) return { ...one, ...said };
  return {
    type: "array",
    items: one,
    ...(Number.isFinite(rule.maxCount) && { maxItems: rule.maxCount }),
    ...said,
  };
}
