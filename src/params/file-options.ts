import {
  namedParameterOptions,
  positiveNumber,
  trueOrFalse,
  type NamedParameterOptions,
  type OptionCheck,
  type OptionChecks,
} from "./parameter-options.ts";

/** Options of `file()`. */
export interface FileOptions extends NamedParameterOptions {
  /** How many bytes it may have; more is answered with 413. @defaultValue 10 MiB */
  readonly maxBytes?: number;
  /**
   * What it may be, as the client says it: media types (`"image/png"`, `"image/*"`) and endings of names (`".png"`), of
   * which one must fit; else the answer is 415. @defaultValue anything
   */
  readonly types?: readonly string[];
  /** Whether it may be absent; then its value is `undefined`. @defaultValue false */
  readonly optional?: boolean;
}

/** Options of `files()`. */
export interface FilesOptions extends NamedParameterOptions {
  /** How many bytes each may have; more is answered with 413. @defaultValue 10 MiB */
  readonly maxBytes?: number;
  /** How many there may be; more is answered with 422. @defaultValue 10 */
  readonly maxCount?: number;
  /**
   * What each may be, as the client says it: media types (`"image/png"`, `"image/*"`) and endings of names (`".png"`),
   * of which one must fit; else the answer is 415. @defaultValue anything
   */
  readonly types?: readonly string[];
  /** Whether there may be none; then the value is `[]`. @defaultValue false */
  readonly optional?: boolean;
}

/** 10 MiB. */
export const defaultMaxFileBytes: number = 10 * 2 ** 20;
export const defaultMaxFiles = 10;

const typePattern = /^(?:\.[^/\\]+|\*\/\*|[a-z\d][^\s/;*]*\/(?:\*|[^\s/;*]+))$/i;

const fileTypes: OptionCheck = {
  expected: 'a list of media types and endings, such as ["image/*", ".pdf"]',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((type) => typeof type === "string" && typePattern.test(type)),
};

export const fileOptions: OptionChecks<FileOptions> = {
  ...namedParameterOptions,
  maxBytes: positiveNumber,
  types: fileTypes,
  optional: trueOrFalse,
};
export const filesOptions: OptionChecks<FilesOptions> = { ...fileOptions, maxCount: positiveNumber };
