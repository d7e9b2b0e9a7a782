import type { StandardSchemaV1 } from "@standard-schema/spec";
import { addProblem, type RequestScope } from "../dependencies/request-scope.ts";
import { invalid, type BoundSource } from "../dependencies/source.ts";
import { readArguments } from "./declaration-arguments.ts";
import { parseJson } from "./json-text.ts";
import { refuseMedia } from "./media-type.ts";
import { parameterOptions, positiveNumber, type OptionChecks, type ParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";
import { declaredLength, hasBody, readBody } from "./request-body.ts";
import { Validator } from "./validator.ts";

/** Options of {@link body}. */
export interface BodyOptions extends ParameterOptions {
  /** How many bytes it may have; more is answered with 413. @defaultValue the limit of the app */
  readonly maxBytes?: number;
}

/** The JSON body, declared with {@link body}. */
export class BodyParameter<T> extends Parameter<T, BodyOptions> {
  readonly place = "body";

  bind(key: string): BoundSource {
    return new BoundBody(this, key);
  }
}

class BoundBody implements BoundSource {
  readonly place = "body";
  /** A request has one body, without a name. */
  readonly name = "";
  readonly source: BodyParameter<unknown>;
  readonly label: string;
  readonly #validator: Validator | undefined;

  constructor(source: BodyParameter<unknown>, key: string) {
    this.source = source;
    this.label = `body ${JSON.stringify(key)}`;
    this.#validator = source.schema && new Validator(source.schema, ["body"], this.#isSecret);
  }

  read(scope: RequestScope): unknown {
    const { headers } = scope.req.raw;
    const length = declaredLength(headers);
    if (length === 0) return this.#acceptAbsent(scope);
    const refusal = refuseMedia(headers, isJson, "application/json");
    if (refusal === undefined) return this.#readJson(scope);
    if (length !== undefined) throw refusal;
    return hasBody(scope.req).then((hasSome) => {
      if (hasSome) throw refusal;
      return this.#acceptAbsent(scope);
    });
  }

  async #readJson(scope: RequestScope): Promise<unknown> {
    const bytes = await readBody(scope.req, this.source.options.maxBytes ?? scope.limits.maxBodyBytes);
    if (bytes.byteLength === 0) return this.#acceptAbsent(scope);
    const parsed = parseJson(bytes, this.#isSecret);
    if ("value" in parsed)
      return this.#validator === undefined ? parsed.value : this.#validator.accept(scope, parsed.value, parsed.value);
    addProblem(scope, parsed.problem);
    return invalid;
  }

  #acceptAbsent(scope: RequestScope): unknown {
    return this.#validator?.acceptAbsent(scope);
  }

  get #isSecret(): boolean {
    return this.source.options.secret ?? false;
  }
}

const bodyOptions: OptionChecks<BodyOptions> = { ...parameterOptions, maxBytes: positiveNumber };

/** `application/json`, and what is built on it: `application/problem+json`. */
function isJson(type: string): boolean {
  return type === "application/json" || /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\+json$/.test(type);
}

/**
 * Declares the JSON body of a request.
 *
 * Without a schema it is the parsed value of type `unknown`, `undefined` when the body is empty. With a schema it is what
 * the schema makes of it, and what it refuses is answered with 422, as is text that is not JSON. Nothing is coerced.
 *
 * Other answers: 415 for another Content-Type than JSON, another charset than UTF-8 or a compressed body, 413 for a body
 * over the limit. Keys that would reach an object's prototype (`__proto__`) are refused like broken JSON.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, body } from "afterword";
 * import * as z from "zod";
 *
 * const Item = z.object({ name: z.string(), price: z.number().positive() });
 *
 * new App().post("/items", { item: body(Item, { maxBytes: 10_000 }) }, ({ item }) => ({ name: item.name }));
 * ```
 */
export function body<S extends StandardSchemaV1>(
  schema: S,
  options?: BodyOptions,
): BodyParameter<StandardSchemaV1.InferOutput<S>>;
export function body(options?: BodyOptions): BodyParameter<unknown>;
export function body(...args: unknown[]): BodyParameter<unknown> {
  return new BodyParameter(readArguments("body", args, bodyOptions));
}
