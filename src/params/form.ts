import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { readArguments } from "./declaration-arguments.ts";
import { planFormFields, type FormFields } from "./form-fields.ts";
import { inputJsonSchema } from "./json-schema.ts";
import { parameterOptions, type ParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";
import { receiveForm, type ReceivedForm } from "./received-form.ts";
import { Validator } from "./validator.ts";

/** Options of {@link form}. */
export type FormOptions = ParameterOptions;

/** The text fields of a form, declared with {@link form}. */
export class FormParameter<T> extends Parameter<T, FormOptions> {
  readonly place = "form";

  bind(key: string): BoundSource {
    return new BoundForm(this, key);
  }
}

class BoundForm implements BoundSource {
  readonly place = "form";
  /** A request has one form, without a name. */
  readonly name = "";
  readonly source: FormParameter<unknown>;
  readonly label: string;
  readonly #fields: FormFields;
  readonly #validator: Validator | undefined;

  constructor(source: FormParameter<unknown>, key: string) {
    const { schema, options } = source;
    this.source = source;
    this.label = `form ${JSON.stringify(key)}`;
    this.#fields = planFormFields(schema && inputJsonSchema(schema));
    this.#validator = schema && new Validator(schema, ["body"], options.secret ?? false);
  }

  async read(scope: RequestScope): Promise<unknown> {
    const { texts } = await receiveForm(scope);
    if (this.#validator === undefined)
      return toRecord(texts, (_name, values) => (values.length === 1 ? values[0]! : values));
    const came = toRecord(texts, (name, values) => (this.#fields.of(name).wantsList ? values : values.at(-1)!));
    const value = toRecord(texts, (name, values) => this.#fields.of(name).list(values));
    return this.#validator.accept(scope, value, came);
  }
}

/** An object without a prototype, because the names are the client's. Empty fields are absent. */
function toRecord<T>(
  texts: ReceivedForm["texts"],
  pick: (name: string, values: readonly string[]) => T,
): Record<string, T> {
  const record = Object.create(null) as Record<string, T>;
  for (const [name, all] of texts) {
    const values = all.filter((text) => text !== "");
    if (values.length > 0) record[name] = pick(name, values);
  }
  return record;
}

/**
 * Declares the text fields of a form as one object, from `application/x-www-form-urlencoded` or `multipart/form-data`.
 *
 * With a schema each field becomes a number, a boolean (`on` of a checkbox) or a list first where the schema takes these
 * and no text; what the schema refuses is answered with 422. Without one, a field that comes several times is a list. An
 * empty field is absent. Files of the same form are declared beside it with `file()` and `files()`.
 *
 * Other answers: 415 for another Content-Type, 413 for more than 1000 fields or more text than the app's limit, 400 for a
 * form that ends early.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, file, form } from "afterword";
 * import * as z from "zod";
 *
 * const Profile = z.object({ name: z.string(), age: z.int().optional(), newsletter: z.boolean().default(false) });
 *
 * new App().post("/profile", { profile: form(Profile), photo: file({ optional: true }) }, ({ profile, photo }) => ({
 *   name: profile.name,
 *   hasPhoto: photo !== undefined,
 * }));
 * ```
 */
export function form<S extends StandardSchemaV1>(
  schema: S,
  options?: FormOptions,
): FormParameter<StandardSchemaV1.InferOutput<S>>;
export function form(options?: FormOptions): FormParameter<Record<string, string | string[]>>;
export function form(...args: unknown[]): FormParameter<unknown> {
  return new FormParameter(readArguments("form", args, parameterOptions));
}
