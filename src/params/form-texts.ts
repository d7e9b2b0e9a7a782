import { HTTPException } from "../internal/http-exception.ts";

const maxFields = 1_000;
const maxNameLength = 200;

/** Collects the text fields of a form within its limits. */
export class FormTexts {
  /** By the names that the client gives: a map, so that `__proto__` is a name like others. */
  readonly values: Map<string, string[]> = new Map();
  readonly #maxBytes: number;
  #bytes = 0;
  #count = 0;

  /** @param maxBytes - of all names and values together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {HTTPException} 413 when this is too much */
  add(name: string, value: string): void {
    if (++this.#count > maxFields) throw tooLarge(`The form has more than ${maxFields} fields.`);
    assertNameLength(name);
    this.#bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (this.#bytes > this.#maxBytes) throw this.tooLong();
    const values = this.values.get(name);
    if (values === undefined) this.values.set(name, [value]);
    else values.push(value);
  }

  /** For a field that is too long by itself. */
  tooLong(): HTTPException {
    return tooLarge(`The text of the form is larger than ${this.#maxBytes} bytes.`);
  }
}

/** @throws {HTTPException} 413 when a field has too long a name */
export function assertNameLength(name: string): void {
  if (name.length > maxNameLength)
    throw tooLarge(`The form has a field whose name is longer than ${maxNameLength} characters.`);
}

function tooLarge(detail: string): HTTPException {
  return new HTTPException(413, detail, { connection: "close" });
}
