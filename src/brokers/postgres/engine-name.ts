/**
 * The name of pg-boss's queue for jobs of a queue, and of a task that has limits: those wait in a queue of their own, so
 * that they are in nobody's way. pg-boss takes letters, digits and `_-./` alone; other bytes, and a slash that could be
 * mistaken, are written as two slashes and two hexadecimal digits.
 */
export function toEngineName(queue: string, limitedTask: string | undefined): string {
  return limitedTask === undefined ? encode(queue) : `${encode(queue)}//.${encode(limitedTask)}`;
}

const plain = /^[\w.-]+(?:\/[\w.-]+)*$/;

function encode(name: string): string {
  if (plain.test(name)) return name;
  let encoded = "";
  for (const byte of new TextEncoder().encode(name)) {
    const character = String.fromCharCode(byte);
    encoded += /[\w.-]/.test(character) ? character : `//${byte.toString(16).padStart(2, "0")}`;
  }
  return encoded === "" ? "//" : encoded;
}
