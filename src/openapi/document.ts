/** A JSON object of the document. */
export type DocumentRecord = { readonly [key: string]: unknown };

/** Who answers for the API. OpenAPI 3.1.1, section 4.8.3. */
export interface ContactInfo {
  readonly name?: string;
  readonly url?: string;
  readonly email?: string;
}

/** Under which license the API stands. OpenAPI 3.1.1, section 4.8.4. */
export interface LicenseInfo {
  readonly name: string;
  /** An SPDX expression, such as `"Apache-2.0"`; instead of `url`. */
  readonly identifier?: string;
  readonly url?: string;
}

/** Where the API is served. OpenAPI 3.1.1, section 4.8.5. */
export interface ServerInfo {
  /** Absolute, or relative to where the document is served. */
  readonly url: string;
  readonly description?: string;
  readonly variables?: Readonly<
    Record<string, { readonly default: string; readonly enum?: readonly string[]; readonly description?: string }>
  >;
}

/** What is said of a tag. OpenAPI 3.1.1, section 4.8.22. */
export interface TagInfo {
  readonly name: string;
  /** Markdown. */
  readonly description?: string;
  readonly externalDocs?: { readonly url: string; readonly description?: string };
}

/** What the document says of the API as a whole. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  /** One line about the API. */
  readonly summary?: string;
  /** Markdown about the API. */
  readonly description?: string;
  /** The URL of the terms under which the API is offered. */
  readonly termsOfService?: string;
  readonly contact?: ContactInfo;
  readonly license?: LicenseInfo;
  /** Where the API is served, for clients that are made from the document; without it, where the document is. */
  readonly servers?: readonly ServerInfo[];
  /** What is said of the tags of routes, in the order in which the documentation shows them. */
  readonly tags?: readonly TagInfo[];
}

/** An OpenAPI document of version 3.1. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: DocumentRecord & { readonly title: string; readonly version: string };
  readonly servers?: readonly ServerInfo[];
  /** Operations by path and by method in lower case. */
  readonly paths: { readonly [path: string]: { readonly [method: string]: DocumentRecord } };
  readonly components?: { readonly [kind: string]: { readonly [name: string]: DocumentRecord } };
  readonly tags?: readonly TagInfo[];
}
