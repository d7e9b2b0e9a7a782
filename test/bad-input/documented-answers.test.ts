// Every operation of a document, with requests that fit it and requests that do not: no answer is undocumented.
import { TestClient } from "afterword/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { validated } from "../openapi/validate.ts";
import { keepTidy } from "../support/tidy.ts";
import { createDocumentedApp } from "./documented-app.ts";
import { operationsOf, requestsOf, resolverOf, type DocumentedRequest } from "./documented-requests.ts";
import { misfit, type Resolve } from "./from-schema.ts";

keepTidy();

async function check(request: DocumentedRequest, response: Response, resolve: Resolve): Promise<void> {
  const { operation } = request;
  const text = await response.text();
  const what = `${request.method} ${request.target}: ${response.status} ${text.slice(0, 300)}`;
  const documented = operation.responses[response.status];
  if (documented === undefined) throw new Error(`${what}\nis not documented`);
  for (const name of Object.keys(documented.headers ?? {}))
    if (!response.headers.has(name)) throw new Error(`${what}\nlacks the header ${name}`);
  const [type] = (response.headers.get("content-type") ?? "").split(";");
  if (documented.content === undefined) return expect({ what, text }).toEqual({ what, text: "" });
  const content = documented.content[type!];
  if (content === undefined) throw new Error(`${what}\nis of type ${type}, which is not documented`);
  if (type !== "application/json") return;
  expect({ what, misfit: misfit(content.schema, JSON.parse(text), resolve) }).toEqual({ what, misfit: undefined });
}

test("each operation of a document answers with what the document lists, whatever it is asked", async () => {
  const app = createDocumentedApp();
  const document = await validated(app.openapi());
  const resolve = resolverOf(document);
  const operations = operationsOf(document);
  expect(operations.length).toBeGreaterThan(14);
  await using client = new TestClient(app);
  for (const operation of operations) {
    const seen = new Map<number, number>();
    let accepted = 0;
    let right = 0;
    await fc.assert(
      fc.asyncProperty(requestsOf(operation, resolve), async (request) => {
        const response = await client.request(request.method, `http://testserver${request.target}`, {
          headers: request.headers,
          ...(request.body instanceof FormData
            ? { form: request.body }
            : request.body !== undefined && { body: request.body }),
        });
        seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
        if (request.isRight) {
          right++;
          // What fits the document is not refused as invalid.
          if (response.status < 400 || response.status === 404) accepted++;
          else
            throw new Error(
              `${request.method} ${request.target} was refused: ${response.status} ${await response.clone().text()}`,
            );
        }
        await check(request, response, resolve);
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBe(right);
    const canFail = operation.parameters.length > 0 || operation.content !== undefined;
    if (canFail && operation.responses["422"]) expect([...seen.keys()].some((status) => status >= 400)).toBe(true);
  }
}, 120_000);
