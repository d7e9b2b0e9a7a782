import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Source, type SourcePlace } from "../dependencies/source.ts";
import type { DeclarationArguments } from "./declaration-arguments.ts";
import type { ParameterOptions } from "./parameter-options.ts";

/** A value that is read from the request, as it was declared. */
export abstract class Parameter<T, O extends ParameterOptions = ParameterOptions> extends Source<T> {
  /** The part of the request it is read from. */
  abstract readonly place: SourcePlace;
  /** What its value must be; `undefined` when anything will do. */
  readonly schema: StandardSchemaV1 | undefined;
  /** What else was said of it. */
  readonly options: Readonly<O>;

  constructor({ schema, options }: DeclarationArguments<O>) {
    super();
    this.schema = schema;
    this.options = options;
  }
}
