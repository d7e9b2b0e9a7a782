import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BoundSource } from "../dependencies/source.ts";
import { BoundFile } from "./bound-file.ts";
import { readArguments } from "./declaration-arguments.ts";
import { defaultMaxFileBytes, fileOptions, type FileOptions } from "./file-options.ts";
import { Parameter } from "./parameter.ts";
import type { Upload } from "./upload.ts";

/** An uploaded file, declared with {@link file}. */
export class FileParameter<T> extends Parameter<T, FileOptions> {
  readonly place = "file";

  bind(key: string): BoundSource {
    const { alias: name = key, maxBytes = defaultMaxFileBytes, types, secret: isSecret = false } = this.options;
    return new BoundFile({
      source: this,
      label: `file ${JSON.stringify(name)}`,
      rule: { name, maxBytes, maxCount: 1, types, isSecret },
      toValue: ([upload]) => upload,
      absentValue: () => undefined,
    });
  }
}

/**
 * Declares an uploaded file: a part of a form of type `multipart/form-data`.
 *
 * Its value is an {@link Upload}, which can be read in the handler and in the background tasks of the request, and is
 * removed after them. A schema gets that `Upload`, a `File`. A file that is absent, or of which there are two, is
 * answered with 422; one that is too large with 413; one of a wrong type with 415.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, file } from "afterword";
 *
 * new App().post("/avatar", { avatar: file({ types: ["image/png", "image/jpeg"], maxBytes: 2_000_000 }) }, async ({ avatar }) => {
 *   await avatar.saveTo("avatar.png");
 *   return { bytes: avatar.size };
 * });
 * ```
 */
export function file<S extends StandardSchemaV1>(
  schema: S,
  options: FileOptions & { readonly optional: true },
): FileParameter<StandardSchemaV1.InferOutput<S> | undefined>;
export function file<S extends StandardSchemaV1>(
  schema: S,
  options?: FileOptions & { readonly optional?: false },
): FileParameter<StandardSchemaV1.InferOutput<S>>;
export function file(options: FileOptions & { readonly optional: true }): FileParameter<Upload | undefined>;
export function file(options?: FileOptions & { readonly optional?: false }): FileParameter<Upload>;
export function file(...args: unknown[]): FileParameter<unknown> {
  return new FileParameter(readArguments("file", args, fileOptions));
}
