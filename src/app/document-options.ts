import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { DocumentInfo } from "../openapi/document.ts";
import type { AppOptions } from "./app-options.ts";

/** @throws {DeclarationError} for a wrong value of an option that the documentation reads */
export function checkDocumentOptions(options: AppOptions): void {
  for (const name of ["title", "version", "summary", "description", "termsOfService"] as const)
    check(name, options[name], "a string", (value) => typeof value === "string");
  for (const name of ["openapi", "docs", "redoc"] as const)
    check(
      name,
      options[name],
      `a path such as "/${name === "openapi" ? "openapi.json" : name}", or false`,
      (value) => value === false || (typeof value === "string" && /^\/[^:*{}?#]*[^:*{}?#/]$/.test(value)),
    );
  check("contact", options.contact, "an object with name, url and email", isRecord);
  check(
    "license",
    options.license,
    "an object with name, and identifier or url",
    (value) => isRecord(value) && typeof value.name === "string",
  );
  check(
    "servers",
    options.servers,
    'a list such as [{ url: "https://api.example.com" }]',
    (value) => Array.isArray(value) && value.every((server) => isRecord(server) && typeof server.url === "string"),
  );
  check(
    "tags",
    options.tags,
    'a list such as [{ name: "items", description: "What we sell" }]',
    (value) => Array.isArray(value) && value.every((tag) => isRecord(tag) && typeof tag.name === "string"),
  );
}

/** What the document says of the app as a whole. */
export function toDocumentInfo(options: AppOptions, title: string, version: string): DocumentInfo {
  const { summary, description, termsOfService, contact, license, servers, tags } = options;
  return {
    title,
    ...(summary !== undefined && { summary }),
    ...(description !== undefined && { description }),
    ...(termsOfService !== undefined && { termsOfService }),
    ...(contact && { contact }),
    ...(license && { license }),
    version,
    ...(servers && { servers }),
    ...(tags && { tags }),
  };
}

function check(name: string, value: unknown, expected: string, accepts: (value: unknown) => boolean): void {
  if (value !== undefined && !accepts(value))
    throw new DeclarationError(`new App(): ${name} must be ${expected}, but got ${formatValue(value)}.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
