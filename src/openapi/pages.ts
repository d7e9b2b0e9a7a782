/** What a page of the documentation needs to know. Paths are relative to the page, so that any prefix before it will do. */
export interface PageOptions {
  readonly title: string;
  /** Of the document. */
  readonly documentPath: string;
  /** Of the folder with the assets, without a slash at its end. */
  readonly assetsPath: string;
}

/**
 * Starts Swagger UI. It reads where the document is from the page, and makes absolute what the document tells relative to
 * itself: one sees where requests go, and Swagger UI would look for a relative tokenUrl beside the server, not in it.
 */
const swaggerScript = `const documentUrl = new URL(document.body.dataset.document, location.href).href;

function makeAbsolute(api) {
  for (const server of api.servers ?? [])
    if (!server.variables) server.url = new URL(server.url, documentUrl).href.replace(/\\/$/, "");
  const [server] = api.servers ?? [];
  const base = server && !server.variables ? server.url + "/" : documentUrl;
  for (const { flows = {} } of Object.values(api.components?.securitySchemes ?? {}))
    for (const flow of Object.values(flows))
      for (const name of ["tokenUrl", "refreshUrl", "authorizationUrl"])
        if (flow[name]) flow[name] = new URL(flow[name], base).href;
  return api;
}

SwaggerUIBundle({
  url: documentUrl,
  responseInterceptor(response) {
    if (response.url === documentUrl) response.text = JSON.stringify(makeAbsolute(JSON.parse(response.text)));
    return response;
  },
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** Starts Redoc. */
const redocScript = `Redoc.init(document.body.dataset.document, { hideLoading: true }, document.getElementById("page"));
`;

/** The scripts that start the pages, by the names under which they are served: files, so that no inline script is allowed. */
export const pageScripts: ReadonlyMap<string, string> = new Map([
  ["start-swagger-ui.js", swaggerScript],
  ["start-redoc.js", redocScript],
]);

/**
 * Nothing comes from another host. `connect-src` is open, because "Try it out" calls the servers of the document; Redoc makes
 * its search worker from a blob, and both write style attributes.
 */
export const pageSecurityPolicy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src *",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join("; ");

/** Swagger UI: one can send requests from it. */
export function swaggerPage(options: PageOptions): string {
  const { assetsPath } = options;
  return page(options, [
    `<link rel="stylesheet" href="${escape(assetsPath)}/swagger-ui.css">`,
    `<script src="${escape(assetsPath)}/swagger-ui.js" defer></script>`,
    `<script src="${escape(assetsPath)}/start-swagger-ui.js" defer></script>`,
  ]);
}

/** Redoc: to read. */
export function redocPage(options: PageOptions): string {
  const { assetsPath } = options;
  return page(options, [
    "<style>body { margin: 0 }</style>",
    `<script src="${escape(assetsPath)}/redoc.js" defer></script>`,
    `<script src="${escape(assetsPath)}/start-redoc.js" defer></script>`,
  ]);
}

/** The icon stands in the page, so that no browser asks the app for one. */
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23335'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h4' stroke='white' stroke-width='1.5'/%3E%3C/svg%3E";

function page({ title, documentPath }: PageOptions, head: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" href="${icon}">
${head.join("\n")}
</head>
<body data-document="${escape(documentPath)}">
<div id="page"></div>
<noscript>This page needs JavaScript. The document itself is <a href="${escape(documentPath)}">here</a>.</noscript>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
