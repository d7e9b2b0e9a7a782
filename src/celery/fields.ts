import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { UndecodableMessage, type UndecodableReason } from "./undecodable-message.ts";

/** Reads members of a JSON object that must be of a type, or absent. `null` is as good as absent. */
export class Fields {
  readonly #object: JsonObject;
  readonly #reason: UndecodableReason;
  readonly #what: string;

  /** @param what - what the members are, as it should stand in the error: `"The header"` */
  constructor(object: JsonObject, reason: UndecodableReason, what: string) {
    this.#object = object;
    this.#reason = reason;
    this.#what = what;
  }

  /** A member as it is. */
  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined;
  }

  string(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.refused(name, "a string");
  }

  /** A string that is not empty. */
  requiredString(name: string): string {
    const value = this.value(name);
    if (typeof value === "string" && value !== "") return value;
    throw this.refused(name, "a string that is not empty");
  }

  /** A string, or nothing where something else is: for what is only shown to people. */
  shownString(name: string): string | undefined {
    const value = this.value(name);
    return typeof value === "string" ? value : undefined;
  }

  /** An integer of 0 or more. */
  count(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0)) return value;
    throw this.refused(name, "an integer of 0 or more");
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "number") return value;
    throw this.refused(name, "a number");
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.refused(name, "true or false");
  }

  object(name: string): JsonObject | undefined {
    const value = this.value(name);
    if (value === undefined || isJsonObject(value)) return value;
    throw this.refused(name, "an object");
  }

  list(name: string): readonly JsonValue[] | undefined {
    const value = this.value(name);
    if (value === undefined || Array.isArray(value)) return value as readonly JsonValue[] | undefined;
    throw this.refused(name, "a list");
  }

  refused(name: string, expected: string): UndecodableMessage {
    const value = this.value(name);
    const got = value === undefined ? "nothing" : JSON.stringify(value).slice(0, 60);
    return new UndecodableMessage(this.#reason, `${this.#what} ${name} must be ${expected}, but is ${got}.`);
  }
}
