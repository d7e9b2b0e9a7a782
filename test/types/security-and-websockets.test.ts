import {
  apiKey,
  App,
  basic,
  bearer,
  oauth2Password,
  WebSocketConnection,
  type CloseInfo,
  type OpenApiDocument,
} from "afterword";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

test("credentials are there, or may be absent where they are optional", () => {
  const oauth = oauth2Password({ tokenUrl: "token", scopes: { me: "You" } });
  new App().get(
    "/",
    {
      a: bearer(),
      b: bearer({ optional: true }),
      c: basic(),
      d: apiKey({ in: "query", name: "key" }),
      e: oauth,
      f: oauth.withScopes("me"),
      g: oauth2Password({ tokenUrl: "token", optional: true }),
    },
    (values) => {
      expectTypeOf(values).toEqualTypeOf<{
        readonly a: string;
        readonly b: string | undefined;
        readonly c: { readonly username: string; readonly password: string };
        readonly d: string;
        readonly e: string;
        readonly f: string;
        readonly g: string | undefined;
      }>();
    },
  );
});

test("a connection gives texts and bytes, and what a schema makes of JSON", () => {
  new App().websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
    for await (const message of socket) expectTypeOf(message).toEqualTypeOf<string | Uint8Array>();
    expectTypeOf(await socket.receiveJson()).toEqualTypeOf<unknown>();
    expectTypeOf(await socket.receiveJson(z.object({ n: z.int() }))).toEqualTypeOf<{ n: number }>();
    expectTypeOf(socket.closed).toEqualTypeOf<Promise<CloseInfo>>();
  });
});

test("an app's document is one", () => {
  expectTypeOf(new App().openapi()).toEqualTypeOf<OpenApiDocument>();
});
