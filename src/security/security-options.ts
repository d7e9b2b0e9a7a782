import type { OptionCheck, OptionChecks } from "../params/parameter-options.ts";
import { trueOrFalse } from "../params/parameter-options.ts";

/** What all security declarations have in common. */
export interface SecurityOptions {
  /** Whether a request without credentials goes on, with the value `undefined`. @defaultValue false: it is answered with 401 */
  readonly optional?: boolean;
  /** The name of the scheme in the OpenAPI document. @defaultValue that of the function, or of the key */
  readonly schemeName?: string;
  /** What it is for; Markdown. */
  readonly description?: string;
}

/** A security declaration whose credentials must be there. */
export interface Required {
  readonly optional?: false;
}

/** A security declaration whose credentials may be absent. */
export interface Optional {
  readonly optional: true;
}

export const someText: OptionCheck = {
  expected: "a string that is not empty",
  accepts: (value) => typeof value === "string" && value !== "",
};

/** OpenAPI 3.1.1, section 4.8.7.1. */
const componentName: OptionCheck = {
  expected: 'a name of letters, digits and the signs ".", "-" and "_"',
  accepts: (value) => typeof value === "string" && /^[\w.-]+$/.test(value),
};

/** What stands between quotes in a challenge. RFC 9110, section 5.6.4. */
export const quotable: OptionCheck = {
  expected: "printable text without quotes and backslashes",
  accepts: (value) => typeof value === "string" && /^[\t\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(value),
};

export const securityOptions: OptionChecks<SecurityOptions> = {
  optional: trueOrFalse,
  schemeName: componentName,
  description: { expected: "a string", accepts: (value) => typeof value === "string" },
};
