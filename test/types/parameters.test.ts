import { type } from "arktype";
import {
  App,
  BackgroundTasks,
  Reply,
  Upload,
  body,
  cookie,
  file,
  files,
  form,
  header,
  path,
  query,
  type Params,
  type ValuesOf,
} from "afterword";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

/** What a handler of these parameters gets. The compiler does the testing. */
function valuesOf<const P extends Params>(_params: P): ValuesOf<P> {
  return undefined as unknown as ValuesOf<P>;
}

test("parameters without a schema are text, absent where they may be", () => {
  const values = valuesOf({
    id: path(),
    q: query(),
    userAgent: header(),
    session: cookie(),
    json: body(),
    fields: form(),
    photo: file(),
    maybePhoto: file({ optional: true }),
    photos: files(),
  });
  expectTypeOf(values).toEqualTypeOf<{
    readonly id: string;
    readonly q: string | undefined;
    readonly userAgent: string | undefined;
    readonly session: string | undefined;
    readonly json: unknown;
    readonly fields: Record<string, string | string[]>;
    readonly photo: Upload;
    readonly maybePhoto: Upload | undefined;
    readonly photos: Upload[];
  }>();
});

test("options do not change the type", () => {
  const values = valuesOf({
    id: path({ alias: "item-id" }),
    q: query({ description: "What to look for" }),
    token: header({ alias: "X-Token", secret: true }),
    json: body({ maxBytes: 10 }),
    photo: file({ types: ["image/*"], optional: false }),
    photos: files({ maxCount: 2, optional: true }),
  });
  expectTypeOf(values).toEqualTypeOf<{
    readonly id: string;
    readonly q: string | undefined;
    readonly token: string | undefined;
    readonly json: unknown;
    readonly photo: Upload;
    readonly photos: Upload[];
  }>();
});

test("a zod schema gives its output: defaults are there, optional values may not be, transforms have happened", () => {
  const values = valuesOf({
    id: path(z.int()),
    limit: query(z.int().default(10)),
    q: query(z.string().optional()),
    tags: query(z.array(z.string()).default([]), { alias: "tag" }),
    sort: query(z.enum(["name", "price"])),
    length: header(z.string().transform((text) => text.length)),
    session: cookie(z.uuid().nullable()),
    item: body(z.object({ name: z.string(), price: z.number().optional() })),
    fields: form(z.object({ newsletter: z.boolean().default(false) })),
    photo: file(z.file().mime("image/png")),
    maybePhoto: file(z.instanceof(Upload), { optional: true }),
    photos: files(z.array(z.instanceof(Upload)).max(3)),
  });
  expectTypeOf(values).toEqualTypeOf<{
    readonly id: number;
    readonly limit: number;
    readonly q: string | undefined;
    readonly tags: string[];
    readonly sort: "name" | "price";
    readonly length: number;
    readonly session: string | null;
    readonly item: { name: string; price?: number | undefined };
    readonly fields: { newsletter: boolean };
    readonly photo: File;
    readonly maybePhoto: Upload | undefined;
    readonly photos: Upload[];
  }>();
});

test("so does a valibot schema", () => {
  const values = valuesOf({
    id: path(v.pipe(v.number(), v.integer())),
    limit: query(v.optional(v.number(), 10)),
    q: query(v.optional(v.string())),
    length: header(
      v.pipe(
        v.string(),
        v.transform((text) => text.length),
      ),
    ),
    session: cookie(v.nullable(v.string())),
    item: body(v.object({ name: v.string(), price: v.optional(v.number()) })),
    fields: form(v.object({ newsletter: v.optional(v.boolean(), false) })),
    photo: file(v.instance(Upload)),
    photos: files(v.array(v.file())),
  });
  expectTypeOf(values).toEqualTypeOf<{
    readonly id: number;
    readonly limit: number;
    readonly q: string | undefined;
    readonly length: number;
    readonly session: string | null;
    readonly item: { name: string; price?: number | undefined };
    readonly fields: { newsletter: boolean };
    readonly photo: Upload;
    readonly photos: File[];
  }>();
});

test("and so does an arktype schema", () => {
  const values = valuesOf({
    id: path(type("number.integer")),
    q: query(type("string | undefined")),
    sort: query(type("'name' | 'price'")),
    length: header(type("string").pipe((text) => text.length)),
    item: body(type({ name: "string", "price?": "number" })),
    fields: form(type({ newsletter: "boolean = false" })),
  });
  expectTypeOf(values).toEqualTypeOf<{
    readonly id: number;
    readonly q: string | undefined;
    readonly sort: "name" | "price";
    readonly length: number;
    readonly item: { name: string; price?: number };
    readonly fields: { newsletter: boolean };
  }>();
});

test("tokens are what the framework makes", () => {
  const values = valuesOf({ tasks: BackgroundTasks, request: Request, signal: AbortSignal, reply: Reply });
  expectTypeOf(values).toEqualTypeOf<{
    readonly tasks: BackgroundTasks;
    readonly request: Request;
    readonly signal: AbortSignal;
    readonly reply: Reply;
  }>();
});

test("the handler of every method gets the values", () => {
  const app = new App();
  const params = { id: path(z.int()), q: query(), tasks: BackgroundTasks };
  type Expected = { readonly id: number; readonly q: string | undefined; readonly tasks: BackgroundTasks };
  for (const method of ["get", "post", "put", "patch", "delete", "options", "head"] as const)
    app[method](`/${method}/:id`, params, (values) => {
      expectTypeOf(values).toEqualTypeOf<Expected>();
      return null;
    });
  app.get("/with-options/:id", { status: 200 }, params, (values) => {
    expectTypeOf(values).toEqualTypeOf<Expected>();
    return null;
  });
  app.on("PURGE", "/:id", params, (values) => {
    expectTypeOf(values).toEqualTypeOf<Expected>();
    return null;
  });
  app.on("PURGE", "/with-options/:id", { status: 200 }, params, (values) => {
    expectTypeOf(values).toEqualTypeOf<Expected>();
    return null;
  });
});

test("a handler may be written elsewhere, and ask for less", () => {
  const handler = ({ id }: { readonly id: number }): string => `item ${id}`;
  const app = new App();
  app.get("/:id", { id: path(z.int()), q: query() }, handler);
  app.get("/none", { q: query() }, () => null);
  // @ts-expect-error: it wants a number, and gets a text
  app.get("/text/:id", { id: path() }, handler);
  // @ts-expect-error: nothing of that name is declared
  app.get("/other", { other: query() }, ({ id }) => id);
});

test("values cannot be assigned to", () => {
  new App().get("/", { q: query() }, (values) => {
    // @ts-expect-error: the record is read-only
    values.q = "other";
    return values;
  });
});
