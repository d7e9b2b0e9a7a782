import { FormTexts } from "./form-texts.ts";

const decoder = new TextDecoder();

/** The fields of a body of type `application/x-www-form-urlencoded`. Like in a browser, no text is malformed. */
export function parseUrlEncoded(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const fields = new FormTexts(Infinity);
  // The ampersand keeps URLSearchParams from taking a first "?" away.
  for (const [name, value] of new URLSearchParams(`&${decoder.decode(bytes)}`)) fields.add(name, value);
  return fields.values;
}
