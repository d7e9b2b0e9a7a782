import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource, SourcePlace } from "../dependencies/source.ts";
import { planCoercion, type Coercion } from "./coercion.ts";
import { inputJsonSchema } from "./json-schema.ts";
import type { Parameter } from "./parameter.ts";
import { Validator } from "./validator.ts";

/** A declared value that comes as text: from the path, the query, a header or a cookie. */
export abstract class BoundText implements BoundSource {
  readonly place: SourcePlace;
  readonly name: string;
  readonly source: Parameter<unknown>;
  readonly label: string;
  protected readonly coercion: Coercion;
  protected readonly validator: Validator | undefined;

  constructor(source: Parameter<unknown>, name: string) {
    const { place, schema, options } = source;
    this.place = place;
    this.name = name;
    this.source = source;
    this.label = `${place} ${JSON.stringify(name)}`;
    this.coercion = planCoercion(schema && inputJsonSchema(schema));
    this.validator = schema && new Validator(schema, [place, name], options.secret ?? false);
  }

  abstract read(scope: RequestScope): unknown;

  /** The value of a text that may be absent. */
  protected acceptOne(scope: RequestScope, text: string | undefined): unknown {
    const { validator } = this;
    if (validator === undefined) return text;
    if (text === undefined) return validator.acceptAbsent(scope);
    const { one } = this.coercion;
    return validator.accept(scope, one === undefined ? text : one(text), text);
  }

  /** The value of several texts, for a schema that takes lists. No texts are an absent value. */
  protected acceptList(scope: RequestScope, texts: readonly string[] | undefined): unknown {
    const { validator } = this;
    if (validator === undefined) return texts;
    if (texts === undefined || texts.length === 0) return validator.acceptAbsent(scope);
    const value = this.coercion.list(texts);
    return validator.accept(scope, value, Array.isArray(value) ? texts : texts[0]);
  }
}
