import { DeclarationError } from "../internal/afterword-error.ts";
import { buildDocument } from "../openapi/build-document.ts";
import type { DescribedRoute } from "../openapi/described-route.ts";
import type { DocumentInfo, OpenApiDocument } from "../openapi/document.ts";
import type { AppOptions } from "./app-options.ts";
import { docsRoutes, type DocsPaths } from "./docs-routes.ts";
import { toDocumentInfo } from "./document-options.ts";
import type { RouteDefinition } from "./route-definition.ts";

/** The OpenAPI document of an app, and where it and its pages are. */
export class AppDocument {
  readonly paths: DocsPaths;
  readonly #info: DocumentInfo;
  /** What has which operation id. */
  readonly #operations = new Map<string, string>();
  #document: OpenApiDocument | undefined;

  constructor(options: AppOptions, title: string, version: string) {
    this.#info = toDocumentInfo(options, title, version);
    const { openapi = "/openapi.json", docs = "/docs", redoc = "/redoc" } = options;
    this.paths =
      openapi === false
        ? { openapi: undefined, docs: undefined, redoc: undefined }
        : { openapi, docs: docs || undefined, redoc: redoc || undefined };
  }

  /**
   * A route is added.
   *
   * @throws {DeclarationError} when another has its operation id
   */
  add({ method, path, options: { operationId } }: RouteDefinition): void {
    this.#document = undefined;
    if (operationId === undefined) return;
    const other = this.#operations.get(operationId);
    if (other !== undefined)
      throw new DeclarationError(
        `${method} ${path} has the operationId ${JSON.stringify(operationId)}, but so has ${other}. Clients are made from these names: give each operation its own.`,
      );
    this.#operations.set(operationId, `${method} ${path}`);
  }

  /** Built when it is asked for, and again when routes have come. */
  of(routes: () => readonly DescribedRoute[]): OpenApiDocument {
    return (this.#document ??= buildDocument(this.#info, routes()));
  }

  /** The routes of the document and its pages. */
  pages(document: () => OpenApiDocument): readonly RouteDefinition[] {
    return docsRoutes(this.paths, this.#info.title, document).routes;
  }
}
