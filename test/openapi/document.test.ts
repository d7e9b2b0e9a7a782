import {
  apiKey,
  App,
  basic,
  BackgroundTasks,
  bearer,
  body,
  cookie,
  dependency,
  file,
  files,
  form,
  header,
  oauth2Password,
  path,
  query,
  Reply,
  Router,
  taskRoutes,
} from "afterword";
import { TestClient } from "afterword/testing";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { Type } from "typebox";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import { validated, type Json } from "./validate.ts";

const noHandler = (): undefined => undefined;

describe("the document of the tutorial app", () => {
  const getQuery = dependency({ q: query(z.string().optional()), tasks: BackgroundTasks }, ({ q }) => q);
  const app = new App({ title: "Notifications", version: "1.0.0" });
  app.post("/send-notification/:email", { email: path(z.email()), q: getQuery, tasks: BackgroundTasks }, () => ({
    message: "Message sent",
  }));

  test("shows its path parameter and the query of its dependency, and no trace of BackgroundTasks", async () => {
    const document = await validated(app.openapi());
    expect(document.info).toEqual({ title: "Notifications", version: "1.0.0" });
    const { post } = document.paths["/send-notification/{email}"];
    expect(post.parameters).toEqual([
      {
        name: "email",
        in: "path",
        required: true,
        schema: expect.objectContaining({ type: "string", format: "email" }),
      },
      { name: "q", in: "query", schema: { type: "string" } },
    ]);
    expect(post.requestBody).toBeUndefined();
    expect(JSON.stringify(document)).not.toMatch(/BackgroundTasks|"tasks"/);
  });

  test("is served with where the app is, relative to the document", async () => {
    await using client = new TestClient(app);
    const response = await client.get("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ ...JSON.parse(JSON.stringify(app.openapi())), servers: [{ url: "." }] });
  });
});

describe("parameters", () => {
  test("of all places are shown once, with what their declarations say", async () => {
    const app = new App();
    const page = query(z.int().min(1).default(1), { description: "From 1", example: 2, deprecated: true });
    const paged = dependency({ page }, ({ page: number }) => number);
    app.get(
      "/items/:id{[0-9]+}",
      {},
      {
        id: path(z.int()),
        page,
        paged,
        tags: query(z.array(z.string()).optional(), { alias: "tag", title: "Tags" }),
        userAgent: header(),
        accept: header(),
        hidden: query({ includeInSchema: false }),
        session: cookie(z.string()),
        reply: Reply,
        signal: AbortSignal,
      },
      noHandler,
    );
    const { get } = (await validated(app.openapi())).paths["/items/{id}"];
    expect(get.parameters).toEqual([
      { name: "id", in: "path", required: true, schema: { type: "integer" } },
      {
        name: "page",
        in: "query",
        description: "From 1",
        deprecated: true,
        example: 2,
        schema: { type: "integer", minimum: 1, default: 1 },
      },
      { name: "tag", in: "query", schema: { title: "Tags", type: "array", items: { type: "string" } } },
      { name: "user-agent", in: "header", schema: { type: "string" } },
      { name: "session", in: "cookie", required: true, schema: { type: "string" } },
    ]);
  });

  test("that several declare are required if one of them requires them", async () => {
    const app = new App();
    const strict = dependency({ q: query(z.string()) }, ({ q }) => q);
    app.get("/", {}, { q: query(), strict }, noHandler);
    app.get("/other", {}, { strict, q: query() }, noHandler);
    const { paths } = await validated(app.openapi());
    for (const at of ["/", "/other"])
      expect(paths[at].get.parameters).toEqual([expect.objectContaining({ name: "q", required: true })]);
  });

  test("of paths that differ in their names alone have the names of the first", async () => {
    const app = new App();
    app.get("/users/:id/posts/:post", { id: path(z.int()), post: path() }, noHandler);
    app.delete("/users/:user/posts/:id", { user: path(z.int()), id: path(z.uuid()) }, noHandler);
    const { paths } = await validated(app.openapi());
    expect(Object.keys(paths)).toEqual(["/users/{id}/posts/{post}"]);
    expect(paths["/users/{id}/posts/{post}"].delete.parameters).toEqual([
      expect.objectContaining({ name: "id", schema: { type: "integer" } }),
      expect.objectContaining({ name: "post", schema: expect.objectContaining({ format: "uuid" }) }),
    ]);
    expect(paths["/users/{id}/posts/{post}"].delete.operationId).toBe("deleteUsersByIdPostsByPost");
  });

  test("of the path are shown though nobody declares them, with their pattern", async () => {
    const app = new App();
    app.get("/files/:folder{[a-z]{2,3}}/*", noHandler);
    app.get("/pages/:name?", { name: path(z.string().optional()) }, noHandler);
    const { paths } = await validated(app.openapi());
    expect(paths["/files/{folder}/{wildcard}"].get.parameters).toEqual([
      { name: "folder", in: "path", required: true, schema: { type: "string", pattern: "^(?:[a-z]{2,3})$" } },
      { name: "wildcard", in: "path", required: true, schema: { type: "string" } },
    ]);
    expect(paths["/pages"].get.parameters).toBeUndefined();
    expect(paths["/pages/{name}"].get.parameters).toHaveLength(1);
  });
});

describe("bodies", () => {
  test("of JSON are shown with their schema, required unless they may be absent", async () => {
    const app = new App();
    app.post("/strict", { item: body(z.object({ n: z.int() }), { description: "One", example: { n: 1 } }) }, noHandler);
    app.post("/loose", { item: body(z.object({}).optional()) }, noHandler);
    app.post("/any", { item: body() }, noHandler);
    const { paths } = await validated(app.openapi());
    expect(paths["/strict"].post.requestBody).toEqual({
      description: "One",
      required: true,
      content: {
        "application/json": {
          schema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
          example: { n: 1 },
        },
      },
    });
    expect(paths["/loose"].post.requestBody.required).toBeUndefined();
    expect(paths["/any"].post.requestBody).toEqual({ content: { "application/json": { schema: {} } } });
  });

  test("of a form are shown in both of its types, with files in one", async () => {
    const app = new App();
    const Profile = z.object({ name: z.string(), age: z.int().optional() });
    app.post("/form", { profile: form(Profile) }, noHandler);
    app.post(
      "/files",
      {
        profile: form(Profile),
        photo: file({ types: ["image/*", ".png"] }),
        more: files({ optional: true, maxCount: 3 }),
      },
      noHandler,
    );
    const { paths } = await validated(app.openapi());
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name"],
    };
    expect(paths["/form"].post.requestBody).toEqual({
      required: true,
      content: { "application/x-www-form-urlencoded": { schema }, "multipart/form-data": { schema } },
    });
    const upload = { type: "string", format: "binary", contentMediaType: "application/octet-stream" };
    expect(paths["/files"].post.requestBody).toEqual({
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object",
            properties: { ...schema.properties, photo: upload, more: { type: "array", items: upload, maxItems: 3 } },
            required: ["name", "photo"],
          },
          encoding: { photo: { contentType: "image/*" } },
        },
      },
    });
  });
});

describe("named schemas", () => {
  const Tag = z.object({ label: z.string() }).meta({ id: "Tag", description: "A word" });

  test("stand once, and everything refers to them", async () => {
    const app = new App();
    const Item = z.object({ tags: z.array(Tag), first: Tag }).meta({ id: "Item" });
    app.post("/items", { response: Item }, { item: body(Item) }, ({ item }) => item);
    app.post("/tags", { tag: body(Tag) }, noHandler);
    const { paths, components } = await validated(app.openapi());
    expect(paths["/items"].post.requestBody.content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/Item",
    });
    expect(paths["/items"].post.responses["200"].content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/Item",
    });
    expect(paths["/tags"].post.requestBody.content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/Tag",
    });
    expect(Object.keys(components.schemas)).toEqual([
      "HTTPError",
      "HTTPValidationError",
      "Item",
      "Tag",
      "ValidationError",
    ]);
    expect(components.schemas.Item.properties.first).toEqual({ $ref: "#/components/schemas/Tag" });
    expect(components.schemas.Tag).toMatchObject({ type: "object", description: "A word" });
  });

  test("have two forms where what they take differs from what they give", async () => {
    const app = new App();
    const Item = z.object({ size: z.int().default(1), at: z.iso.datetime(), tag: Tag }).meta({ id: "Item" });
    app.post("/items", { response: Item }, { item: body(Item) }, ({ item }) => item);
    const { paths, components } = await validated(app.openapi());
    expect(components.schemas.ItemInput.required).toEqual(["at", "tag"]);
    expect(components.schemas.ItemOutput.required).toEqual(["size", "at", "tag"]);
    expect(Object.keys(components.schemas).filter((name) => name.startsWith("Tag"))).toEqual(["Tag"]);
    expect(paths["/items"].post.responses["200"].content["application/json"].schema.$ref).toMatch(/ItemOutput$/);
  });

  test("of one name that differ are numbered", async () => {
    const app = new App();
    const wrap = (id: string, schema: object) => ({
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: () => ({ $ref: `#/$defs/${id}`, $defs: { [id]: schema } }),
          output: () => ({ $ref: `#/$defs/${id}`, $defs: { [id]: schema } }),
        },
      },
    });
    app.post("/a", { a: body(wrap("My item", { type: "string" })) }, noHandler);
    app.post("/b", { b: body(wrap("My item", { type: "number" })) }, noHandler);
    const { components } = await validated(app.openapi());
    expect(components.schemas).toMatchObject({ My_item: { type: "string" }, My_item2: { type: "number" } });
  });

  test("that contain themselves are named after their operation, if they have no name", async () => {
    const app = new App();
    const Folder = z.object({
      name: z.string(),
      get folders() {
        return z.array(Folder);
      },
    });
    app.put("/tree", { operationId: "replaceTree" }, { tree: body(Folder) }, noHandler);
    const { paths, components } = await validated(app.openapi());
    const reference = { $ref: "#/components/schemas/ReplaceTreeBody" };
    expect(paths["/tree"].put.requestBody.content["application/json"].schema).toEqual(reference);
    expect(components.schemas.ReplaceTreeBody.properties.folders.items).toEqual(reference);
  });
});

describe("schemas of every library", () => {
  const standard = Object.defineProperty(Type.Object({ n: Type.Number() }), "~standard", {
    value: { version: 1, vendor: "typebox", validate: (value: unknown) => ({ value }) },
    enumerable: false,
  }) as never;
  test.each([
    ["zod", z.object({ n: z.number() })],
    ["zod/mini", mini.object({ n: mini.number() })],
    ["valibot", v.object({ n: v.number() })],
    ["valibot, wrapped", toStandardJsonSchema(v.object({ n: v.number() }))],
    ["arktype", type({ n: "number" })],
    ["typebox behind a Standard Schema", standard],
  ] as const)("are shown: %s", async (_, schema) => {
    const app = new App();
    app.post("/", { response: schema }, { b: body(schema) }, () => ({ n: 1 }) as never);
    const { post } = (await validated(app.openapi())).paths["/"];
    const shape = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    expect(post.requestBody.content["application/json"].schema).toEqual(shape);
    expect(post.responses["200"].content["application/json"].schema).toEqual(shape);
  });

  test("that nobody can convert say nothing", async () => {
    const app = new App();
    const schema = {
      "~standard": { version: 1 as const, vendor: "unknown", validate: (value: unknown) => ({ value }) },
    };
    app.post("/", { b: body(schema) }, noHandler);
    const { post } = (await validated(app.openapi())).paths["/"];
    expect(post.requestBody).toEqual({ content: { "application/json": { schema: {} } } });
  });

  test("keep a document whole though they throw when asked", async () => {
    const app = new App();
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "unknown",
        validate: (): never => {
          throw new Error("no");
        },
        jsonSchema: {
          input: (): never => {
            throw new Error("no");
          },
          output: () => ({}),
        },
      },
    };
    app.get("/", { q: query(schema) }, noHandler);
    const { get } = (await validated(app.openapi())).paths["/"];
    expect(get.parameters).toEqual([{ name: "q", in: "query", required: true, schema: {} }]);
  });

  test("say what dates become in JSON", async () => {
    const app = new App();
    app.get("/", { response: z.object({ at: z.date() }) }, {}, () => ({ at: new Date() }));
    const { get } = (await validated(app.openapi())).paths["/"];
    expect(get.responses["200"].content["application/json"].schema.properties.at).toEqual({
      type: "string",
      format: "date-time",
    });
  });
});

describe("answers", () => {
  test("that declarations give by themselves are shown", async () => {
    const app = new App();
    app.get("/plain", noHandler);
    app.get("/query", { q: query(z.int().optional()) }, noHandler);
    app.post("/body", { b: body() }, noHandler);
    app.post("/file", { f: file() }, noHandler);
    app.post("/tasks", { tasks: BackgroundTasks }, noHandler);
    app.get("/secret", { token: bearer() }, noHandler);
    app.delete("/gone", { status: 204 }, {}, noHandler);
    const { paths } = await validated(app.openapi());
    const statuses = (at: string): string[] => Object.keys((Object.values(paths[at])[0] as Json).responses);
    expect(statuses("/plain")).toEqual(["200"]);
    expect(statuses("/query")).toEqual(["200", "422"]);
    expect(statuses("/body")).toEqual(["200", "400", "413", "415", "422"]);
    expect(statuses("/file")).toEqual(["200", "400", "413", "415", "422", "507"]);
    expect(statuses("/tasks")).toEqual(["200", "503"]);
    expect(statuses("/secret")).toEqual(["200", "401"]);
    expect(paths["/gone"].delete.responses).toEqual({ 204: { description: "No Content" } });
    expect(paths["/query"].get.responses["422"].content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/HTTPValidationError",
    });
  });

  test("that were described by hand are shown", async () => {
    const app = new App();
    app.get(
      "/report",
      {
        responses: {
          200: { contentType: "text/csv", description: "All of it" },
          304: "Not changed",
          404: "No such report",
          409: {
            schema: z.object({ reason: z.string() }),
            example: { reason: "busy" },
            headers: { "X-Busy": "How much" },
          },
        },
      },
      {},
      noHandler,
    );
    const { responses } = (await validated(app.openapi())).paths["/report"].get;
    expect(responses["200"]).toEqual({
      description: "All of it",
      content: { "text/csv": { schema: { type: "string" } } },
    });
    expect(responses["304"]).toEqual({ description: "Not changed" });
    expect(responses["404"].content["application/json"].schema).toEqual({ $ref: "#/components/schemas/HTTPError" });
    expect(responses["409"]).toMatchObject({
      description: "Conflict",
      headers: { "X-Busy": { description: "How much" } },
      content: { "application/json": { example: { reason: "busy" }, schema: { required: ["reason"] } } },
    });
  });

  test.each([
    [{ responses: [] }, /responses must be a record such as/],
    [{ responses: { ok: "yes" } }, /must be HTTP statuses from 200 to 599, but got 'ok'/],
    [{ responses: { 404: { text: "no" } } }, /described by a string or by an object with description/],
    [{ responses: { 404: { schema: {} } } }, /schema of response 404 must be a Standard Schema/],
    [{ tags: "items" }, /tags must be an array of strings/],
    [{ operationId: 5 }, /operationId must be a string/],
  ])("and their options are checked: %o", (options, message) => {
    expect(() => new App().get("/", options as never, {}, noHandler)).toThrow(message);
  });
});

describe("operations", () => {
  test("are named after method and path, and described by their options, routers and handlers", async () => {
    const app = new App({ tags: [{ name: "users", description: "People" }] });
    const users = new Router({ prefix: "/users", tags: ["users"] });
    users.get("/", { deprecated: true, description: "All **users**" }, {}, function listUsers() {});
    users.get("/:id/posts", { tags: ["posts"], summary: "Posts" }, {}, noHandler);
    users.get("/hidden", { includeInSchema: false }, {}, noHandler);
    app.include(users);
    app.get("/", { operationId: "home" }, {}, () => "x");
    app.on("PURGE", "/cache", noHandler);
    const document = await validated(app.openapi());
    expect(document.tags).toEqual([{ name: "users", description: "People" }]);
    expect(Object.keys(document.paths)).toEqual(["/users", "/users/{id}/posts", "/"]);
    expect(document.paths["/users"].get).toMatchObject({
      operationId: "getUsers",
      summary: "List users",
      description: "All **users**",
      deprecated: true,
      tags: ["users"],
    });
    expect(document.paths["/users/{id}/posts"].get).toMatchObject({
      operationId: "getUsersByIdPosts",
      summary: "Posts",
      tags: ["users", "posts"],
    });
    expect(document.paths["/"].get).toMatchObject({ operationId: "home" });
    expect(document.paths["/"].get).not.toHaveProperty("summary");
  });

  test("that would be named alike are numbered; names that were given twice are refused", async () => {
    const app = new App();
    app.get("/a-b", noHandler).get("/a/b", noHandler);
    app.get("/c", { operationId: "getAB3" }, {}, noHandler);
    app
      .put("/d/:id", { operationId: "putD" }, {}, noHandler)
      .patch("/d/:other?", { operationId: "patchD" }, {}, noHandler);
    const { paths } = await validated(app.openapi());
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item as Json).map(({ operationId }: Json) => operationId),
    );
    expect(ids).toEqual(["getAB", "getAB2", "getAB3", "putD", "patchD2", "patchD"]);
    expect(() => app.post("/c", { operationId: "getAB3" }, {}, noHandler)).toThrow(
      /POST \/c has the operationId "getAB3", but so has GET \/c/,
    );
  });

  test("that were defined after the document was asked for are in it", () => {
    const app = new App();
    expect(Object.keys(app.openapi().paths)).toEqual([]);
    app.get("/late", noHandler);
    expect(Object.keys(app.openapi().paths)).toEqual(["/late"]);
  });

  test("of taskRoutes are shown with their answers", async () => {
    const app = new App();
    app.include(taskRoutes({ cancel: true }));
    const { paths } = await validated(app.openapi());
    expect(Object.keys(paths)).toEqual(["/tasks/{id}", "/tasks/{id}/events"]);
    expect(Object.keys(paths["/tasks/{id}"].delete.responses)).toEqual(["200", "404", "409", "503"]);
    expect(Object.keys(paths["/tasks/{id}/events"].get.responses["200"].content)).toEqual(["text/event-stream"]);
  });

  test("are shown as declared though tests override a dependency", () => {
    const app = new App();
    const user = dependency({ token: bearer() }, ({ token }) => token);
    app.get("/", { user }, noHandler);
    app.overrides.set(
      user,
      dependency(() => "test"),
    );
    expect(app.openapi().paths["/"]!.get!.security).toEqual([{ bearer: [] }]);
  });
});

describe("security", () => {
  test("declarations anywhere under an operation are shown, all of them together", async () => {
    const app = new App();
    const oauth = oauth2Password({ tokenUrl: "token", scopes: { me: "You", items: "Your items" } });
    const user = dependency({ token: oauth.withScopes("me") }, ({ token }) => token);
    app.get(
      "/items",
      { user, token: oauth.withScopes("items"), key: apiKey({ in: "header", name: "X-API-Key" }) },
      noHandler,
    );
    app.get("/maybe", { token: bearer({ optional: true, format: "JWT", description: "From /token" }) }, noHandler);
    app.get("/open", noHandler);
    const { paths, components } = await validated(app.openapi());
    expect(paths["/items"].get.security).toEqual([{ oauth2Password: ["me", "items"], "X-API-Key": [] }]);
    expect(paths["/items"].get.parameters).toBeUndefined();
    expect(paths["/maybe"].get.security).toEqual([{ bearer: [] }, {}]);
    expect(paths["/open"].get.security).toBeUndefined();
    expect(components.securitySchemes).toEqual({
      "X-API-Key": { type: "apiKey", in: "header", name: "X-API-Key" },
      bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "From /token" },
      oauth2Password: {
        type: "oauth2",
        flows: { password: { tokenUrl: "token", scopes: { me: "You", items: "Your items" } } },
      },
    });
  });

  test("schemes of one name that differ are numbered", async () => {
    const app = new App();
    app.get("/a", { token: bearer(), other: basic({ schemeName: "bearer" }) }, noHandler);
    const { components } = await validated(app.openapi());
    expect(Object.keys(components.securitySchemes)).toEqual(["bearer", "bearer2"]);
  });
});

describe("where the document and its pages are", () => {
  test("is what the app says", async () => {
    const app = new App({
      openapi: "/api/v1/schema.json",
      docs: "/api/docs",
      redoc: false,
      servers: [{ url: "https://x.example" }],
    });
    await using client = new TestClient(app);
    expect([app.openapiPath, app.docsPath, app.redocPath]).toEqual(["/api/v1/schema.json", "/api/docs", undefined]);
    expect((await client.get("/api/v1/schema.json").then((response) => response.json())).servers).toEqual([
      { url: "https://x.example" },
    ]);
    expect(await client.get("/api/docs").then((response) => response.text())).toContain(
      'data-document="v1/schema.json"',
    );
    for (const at of ["/openapi.json", "/docs", "/redoc"]) expect((await client.get(at)).status).toBe(404);
  });

  test("is nowhere without a document", async () => {
    const app = new App({ openapi: false });
    await using client = new TestClient(app);
    expect([app.openapiPath, app.docsPath, app.redocPath]).toEqual([undefined, undefined, undefined]);
    for (const at of ["/openapi.json", "/docs", "/redoc"]) expect((await client.get(at)).status).toBe(404);
  });

  test("gives way to routes of the app", async () => {
    const app = new App();
    app.get("/docs", () => "mine");
    await using client = new TestClient(app);
    expect(await client.get("/docs").then((response) => response.json())).toBe("mine");
    expect((await client.get("/redoc")).status).toBe(200);
  });

  test("has pages whose files are all there, and nothing else", async () => {
    await using client = new TestClient(new App({ title: '<script>"x"</script>' }));
    for (const at of ["/docs", "/redoc"]) {
      const text = await client.get(at).then((response) => response.text());
      expect(text).not.toContain("<script>");
      for (const [, name] of text.matchAll(/(?:src|href)="(\w[^":]*)"/g))
        expect((await client.get(`/${name!}`)).status).toBe(200);
    }
    expect((await client.get("/docs/assets/..%2fpackage.json")).status).toBe(404);
    expect((await client.get("/docs/assets/swagger-ui.js", { headers: { range: "bytes=0-9" } })).status).toBe(206);
  });

  test.each([
    [{ docs: "docs" }, /docs must be a path such as "\/docs", or false, but got 'docs'/],
    [{ openapi: "/:name" }, /openapi must be a path such as "\/openapi.json"/],
    [{ redoc: true }, /redoc must be a path/],
    [{ servers: ["https://x"] }, /servers must be a list such as/],
    [{ tags: ["items"] }, /tags must be a list such as/],
    [{ license: "MIT" }, /license must be an object with name/],
    [{ contact: "me" }, /contact must be an object/],
  ])("is checked: %o", (options, message) => {
    expect(() => new App(options as never)).toThrow(message);
  });
});
