/** What may be said of any declared value. Descriptive options go into the OpenAPI document. */
export interface ParameterOptions {
  /** A short name for people. */
  readonly title?: string;
  /** What it means; Markdown. */
  readonly description?: string;
  /** One value that is right. */
  readonly example?: unknown;
  /** Several values that are right. */
  readonly examples?: readonly unknown[];
  /** Whether clients should stop sending it. @defaultValue false */
  readonly deprecated?: boolean;
  /** Whether the OpenAPI document shows it. @defaultValue true */
  readonly includeInSchema?: boolean;
  /** Whether a 422 leaves out what came: for passwords and tokens. @defaultValue false */
  readonly secret?: boolean;
}

/** Options of what has a name on the wire. */
export interface NamedParameterOptions extends ParameterOptions {
  /** Its name on the wire, letter by letter. @defaultValue the key in the record; in kebab-case for headers */
  readonly alias?: string;
}

/** How an option is checked when it is given. */
export interface OptionCheck {
  /** Completes "must be …". */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

/** The options that a declaration has, by name. */
export type OptionChecks<O> = { readonly [K in keyof O]-?: OptionCheck };

export const trueOrFalse: OptionCheck = { expected: "true or false", accepts: (value) => typeof value === "boolean" };

/** For limits. `Infinity` takes the limit away. */
export const positiveNumber: OptionCheck = {
  expected: "a whole number from 1, or Infinity",
  accepts: (value) => typeof value === "number" && value >= 1 && (Number.isSafeInteger(value) || value === Infinity),
};

const text: OptionCheck = { expected: "a string", accepts: (value) => typeof value === "string" };
const anything: OptionCheck = { expected: "a value", accepts: () => true };

export const parameterOptions: OptionChecks<ParameterOptions> = {
  title: text,
  description: text,
  example: anything,
  examples: { expected: "an array", accepts: Array.isArray },
  deprecated: trueOrFalse,
  includeInSchema: trueOrFalse,
  secret: trueOrFalse,
};

export const namedParameterOptions: OptionChecks<NamedParameterOptions> = {
  alias: { expected: "a string that is not empty", accepts: (value) => typeof value === "string" && value !== "" },
  ...parameterOptions,
};
