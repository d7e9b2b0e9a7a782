import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BoundSource } from "../dependencies/source.ts";
import { BoundFile } from "./bound-file.ts";
import { readArguments } from "./declaration-arguments.ts";
import { defaultMaxFileBytes, defaultMaxFiles, filesOptions, type FilesOptions } from "./file-options.ts";
import { Parameter } from "./parameter.ts";
import type { Upload } from "./upload.ts";

/** Uploaded files under one name, declared with {@link files}. */
export class FilesParameter<T> extends Parameter<T, FilesOptions> {
  readonly place = "file";

  bind(key: string): BoundSource {
    const {
      alias: name = key,
      maxBytes = defaultMaxFileBytes,
      maxCount = defaultMaxFiles,
      types,
      secret: isSecret = false,
    } = this.options;
    return new BoundFile({
      source: this,
      label: `files ${JSON.stringify(name)}`,
      rule: { name, maxBytes, maxCount, types, isSecret },
      toValue: (uploads) => uploads,
      absentValue: () => [],
    });
  }
}

/**
 * Declares uploaded files that come under one name: `<input type="file" name="photos" multiple>`.
 *
 * Its value is a list of {@link Upload}, in the order in which they came. A schema gets that list. No file, or more than
 * `maxCount`, is answered with 422; one that is too large with 413; one of a wrong type with 415.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, files } from "afterword";
 *
 * new App().post("/album", { photos: files({ types: ["image/*"], maxCount: 20 }) }, ({ photos }) => ({
 *   names: photos.map((photo) => photo.name),
 * }));
 * ```
 */
export function files<S extends StandardSchemaV1>(
  schema: S,
  options?: FilesOptions,
): FilesParameter<StandardSchemaV1.InferOutput<S>>;
export function files(options?: FilesOptions): FilesParameter<Upload[]>;
export function files(...args: unknown[]): FilesParameter<unknown> {
  return new FilesParameter(readArguments("files", args, filesOptions));
}
