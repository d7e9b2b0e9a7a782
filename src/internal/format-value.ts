import { inspect } from "node:util";

/** A short, one-line picture of any value for messages: at most `maxLength` characters, never throws. */
export function formatValue(value: unknown, maxLength = 80): string {
  let text: string;
  try {
    if (typeof value === "function") text = value.name === "" ? "an anonymous function" : `function ${value.name}`;
    else
      text = inspect(value, {
        depth: 1,
        breakLength: Infinity,
        maxArrayLength: 5,
        maxStringLength: maxLength,
        compact: true,
      });
  } catch {
    text = `a value of type ${typeof value} that cannot be shown`;
  }
  text = text.replaceAll(/\s*\n\s*/g, " ");
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
