import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { OptionCheck, OptionChecks } from "./parameter-options.ts";

/** What a declaration was given. */
export interface DeclarationArguments<O> {
  readonly schema: StandardSchemaV1 | undefined;
  readonly options: O;
}

/**
 * Tells the arguments of `query()` and the like apart: `()`, `(schema)`, `(options)` or `(schema, options)`.
 *
 * @param name - of the function, for errors
 * @throws {DeclarationError} for other arguments, an unknown option and an option's wrong value
 */
export function readArguments<O extends object>(
  name: string,
  args: readonly unknown[],
  checks: OptionChecks<O>,
): DeclarationArguments<O> {
  const [first, second] = args;
  const hasSchema = isSchema(first);
  const options = hasSchema ? second : first;
  const isRight = args.length <= (hasSchema ? 2 : 1) && (options === undefined || isOptions(options));
  if (!isRight)
    throw new DeclarationError(
      `${name}() expects (schema, options), each of which may be left out, where schema is a Standard Schema such as z.string() and options is an object with ${listOf(Object.keys(checks))}, but got (${args.map((arg) => formatValue(arg, 40)).join(", ")}).`,
    );
  checkOptions(name, options ?? {}, checks);
  return { schema: hasSchema ? first : undefined, options: Object.freeze({ ...options }) as O };
}

/**
 * Reads the one argument of a declaration that has options only.
 *
 * @throws {DeclarationError} for something else, an unknown option and an option's wrong value
 */
export function readOptions<O extends object>(name: string, value: unknown, checks: OptionChecks<O>): O {
  if (value !== undefined && !isOptions(value))
    throw new DeclarationError(
      `${name}() expects an object with the options ${listOf(Object.keys(checks))}, but got ${formatValue(value, 40)}.`,
    );
  checkOptions(name, value ?? {}, checks);
  return Object.freeze({ ...value }) as O;
}

/** Whether a value is a Standard Schema that can validate. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || !("~standard" in value))
    return false;
  const standard = value["~standard"];
  return (
    typeof standard === "object" &&
    standard !== null &&
    "validate" in standard &&
    typeof standard.validate === "function"
  );
}

function isOptions(value: unknown): value is object {
  if (typeof value !== "object" || value === null || "~standard" in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function checkOptions(name: string, options: object, checks: { readonly [option: string]: OptionCheck }): void {
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, option))
      throw new DeclarationError(
        `${name}() has no option "${option}". Its options are ${listOf(Object.keys(checks))}.`,
      );
    const check = checks[option]!;
    if (value !== undefined && !check.accepts(value))
      throw new DeclarationError(
        `The option "${option}" of ${name}() must be ${check.expected}, but got ${formatValue(value)}.`,
      );
  }
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
