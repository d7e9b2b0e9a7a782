import type { Problem } from "../dependencies/problem.ts";
import { addProblem, type RequestScope } from "../dependencies/request-scope.ts";
import { invalid } from "../dependencies/source.ts";
import { textForFile } from "./file-problem.ts";
import type { FileRule } from "./file-rule.ts";
import type { BoundFileSource } from "./form-plan.ts";
import { missingProblem } from "./issue-problem.ts";
import type { NamedParameterOptions } from "./parameter-options.ts";
import type { Parameter } from "./parameter.ts";
import { receiveForm } from "./received-form.ts";
import type { Upload } from "./upload.ts";
import { Validator } from "./validator.ts";

/** What `file()` and `files()` have in common. */
export interface FileDeclaration {
  readonly source: Parameter<unknown, NamedParameterOptions & { readonly optional?: boolean }>;
  /** For errors: `file "avatar"`. */
  readonly label: string;
  readonly rule: FileRule;
  /** The value of the uploads, of which there is at least one. */
  toValue(uploads: readonly Upload[]): unknown;
  /** The value when there is none and need not be one; a schema checks it unless it is `undefined`. */
  absentValue(): unknown;
}

/** A declared file, or several under one name. */
export class BoundFile implements BoundFileSource {
  readonly place = "file";
  readonly name: string;
  readonly label: string;
  readonly source: FileDeclaration["source"];
  readonly rule: FileRule;
  readonly #declaration: FileDeclaration;
  readonly #validator: Validator | undefined;

  constructor(declaration: FileDeclaration) {
    const { source, rule, label } = declaration;
    this.name = rule.name;
    this.label = label;
    this.source = source;
    this.rule = rule;
    this.#declaration = declaration;
    this.#validator = source.schema && new Validator(source.schema, ["body", rule.name], rule.isSecret);
  }

  async read(scope: RequestScope): Promise<unknown> {
    const { uploads, texts } = await receiveForm(scope);
    const found = uploads.get(this.name);
    if (found !== undefined) return this.#accept(scope, this.#declaration.toValue(found));
    const text = texts.get(this.name)?.findLast((each) => each !== "");
    if (text !== undefined) return refuse(scope, textForFile(this.rule, text));
    if (this.source.options.optional) return this.#acceptNone(scope, this.#declaration.absentValue());
    if (this.#validator !== undefined) return this.#validator.acceptAbsent(scope);
    return refuse(scope, missingProblem(["body", this.name], this.rule.isSecret));
  }

  #accept(scope: RequestScope, value: unknown): unknown {
    return this.#validator === undefined ? value : this.#validator.accept(scope, value, value);
  }

  #acceptNone(scope: RequestScope, value: unknown): unknown {
    return value === undefined ? undefined : this.#accept(scope, value);
  }
}

function refuse(scope: RequestScope, problem: Problem): typeof invalid {
  addProblem(scope, problem);
  return invalid;
}
