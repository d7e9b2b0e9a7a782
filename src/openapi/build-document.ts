import { Components } from "./components.ts";
import type { DescribedRoute } from "./described-route.ts";
import type { DocumentInfo, DocumentRecord, OpenApiDocument } from "./document.ts";
import { toOperationId, toSummary } from "./operation-id.ts";
import { toParameters } from "./parameters.ts";
import { SettledTemplates, toPathTemplates, type PathTemplate } from "./path-template.ts";
import { toRequestBody } from "./request-body.ts";
import { toResponses } from "./responses.ts";
import { SecuritySchemes } from "./security-requirements.ts";

/** The fields of a path item that are operations. OpenAPI 3.1.1, section 4.8.9. */
const methods: ReadonlySet<string> = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

/** What a document is built from. */
interface Building {
  readonly components: Components;
  readonly security: SecuritySchemes;
  readonly operationIds: Set<string>;
  readonly named: SettledTemplates;
}

/**
 * The OpenAPI document of an app, from its declarations alone. Pure: the same routes give the same document.
 *
 * Left out are routes with `includeInSchema: false`, methods that OpenAPI does not know, and WebSockets.
 */
export function buildDocument(info: DocumentInfo, routes: readonly DescribedRoute[]): OpenApiDocument {
  const { servers, tags, ...rest } = info;
  const building: Building = {
    components: new Components(),
    security: new SecuritySchemes(),
    named: new SettledTemplates(),
    operationIds: new Set(routes.flatMap(({ options }) => options.operationId ?? [])),
  };
  const paths: Record<string, Record<string, DocumentRecord>> = {};
  for (const route of routes) {
    if (route.options.includeInSchema === false || !methods.has(route.method)) continue;
    const templates = toPathTemplates(route.path).map((template) => building.named.settle(template));
    for (const [index, template] of templates.entries())
      (paths[template.template] ??= {})[route.method.toLowerCase()] ??= toOperation(
        route,
        template,
        templates.length > 1,
        // A name that was given is that of the first of two paths.
        index === 0 ? route.options.operationId : undefined,
        building,
      );
  }
  const { schemas, resolve } = building.components.settle();
  const securitySchemes = building.security.toRecord();
  const components = {
    ...(Object.keys(schemas).length > 0 && { schemas }),
    ...(Object.keys(securitySchemes).length > 0 && { securitySchemes }),
  };
  return {
    openapi: "3.1.1",
    info: rest,
    ...(servers && { servers }),
    paths: resolve(paths),
    ...(Object.keys(components).length > 0 && { components: components as NonNullable<OpenApiDocument["components"]> }),
    ...(tags && { tags }),
  };
}

function toOperation(
  route: DescribedRoute,
  template: PathTemplate,
  hasOptionalPath: boolean,
  givenId: string | undefined,
  { components, security, operationIds }: Building,
): DocumentRecord {
  const { tags, summary, description, deprecated } = route.options;
  const operationId = givenId ?? nameOperation(route, template, operationIds);
  const parameters = toParameters(route.sources, template, components);
  const requestBody = toRequestBody(route.sources, components, operationId);
  const requirements = security.requirementsOf(route.sources);
  const title = summary ?? (route.handlerName === "" ? undefined : toSummary(route.handlerName));
  return {
    ...(tags && tags.length > 0 && { tags: [...new Set(tags)] }),
    ...(title !== undefined && { summary: title }),
    ...(description !== undefined && { description }),
    operationId,
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: toResponses(route, hasOptionalPath, components, operationId),
    ...(deprecated && { deprecated }),
    ...(requirements && { security: requirements }),
  };
}

/** A name of the method and the path, or after the one that was given, which no other operation has. */
function nameOperation(route: DescribedRoute, { template }: PathTemplate, taken: Set<string>): string {
  const wish = route.options.operationId ?? toOperationId(route.method, template);
  let name = wish;
  for (let count = 2; taken.has(name); count++) name = `${wish}${count}`;
  taken.add(name);
  return name;
}
