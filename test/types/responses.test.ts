import { type } from "arktype";
import { App, BackgroundTask, json, path, type RouteResult } from "afterword";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

const schemas = {
  zod: z.object({ name: z.string(), price: z.number() }),
  valibot: v.object({ name: v.string(), price: v.number() }),
  arktype: type({ name: "string", price: "number" }),
};

test("what fits the response schema may be returned, at once or by a promise", () => {
  const app = new App();
  for (const [name, response] of Object.entries(schemas)) {
    app.get(`/${name}`, { response }, {}, () => ({ name: "tea", price: 5 }));
    app.get(`/${name}/async`, { response }, {}, async () => ({ name: "tea", price: 5 }));
    // What the schema does not know is stripped.
    app.get(`/${name}/more`, { response }, {}, () => ({ name: "tea", price: 5, cost: 2 }));
    app.get(`/${name}/response/:id`, { response }, { id: path() }, ({ id }) =>
      id === "1" ? { name: "tea", price: 5 } : json({ detail: "Other" }, { status: 404 }),
    );
    app.get(`/${name}/response/:id/async`, { response }, { id: path() }, async ({ id }) => {
      if (id === "1") return { name: "tea", price: 5 };
      return new Response("Other");
    });
  }
});

test("what does not fit does not compile", () => {
  const app = new App();
  // @ts-expect-error: the price is a number
  app.get("/zod", { response: schemas.zod }, {}, () => ({ name: "tea", price: "5" }));
  // @ts-expect-error: the price is missing
  app.get("/zod/missing", { response: schemas.zod }, {}, () => ({ name: "tea" }));
  // @ts-expect-error: the price is missing
  app.get("/zod/async", { response: schemas.zod }, {}, async () => ({ name: "tea" }));
  // @ts-expect-error: nothing is returned
  app.get("/zod/nothing", { response: schemas.zod }, {}, () => {});
  // @ts-expect-error: the price is a number
  app.get("/valibot", { response: schemas.valibot }, {}, () => ({ name: "tea", price: "5" }));
  // @ts-expect-error: the price is a number
  app.get("/arktype", { response: schemas.arktype }, {}, () => ({ name: "tea", price: "5" }));
});

test("the schema's input is what may be returned", () => {
  const Item = z.object({ name: z.string(), tags: z.array(z.string()).default([]), at: z.date().transform(String) });
  type Result = RouteResult<typeof Item>;
  expectTypeOf<{ name: string; at: Date }>().toExtend<Result>();
  expectTypeOf<Promise<{ name: string; at: Date }>>().toExtend<Result>();
  expectTypeOf<Promise<Response>>().toExtend<Result>();
  // Query builders of databases are no promises, but can be awaited.
  expectTypeOf<PromiseLike<{ name: string; at: Date }>>().toExtend<Result>();
  expectTypeOf<{ name: string; at: string }>().not.toExtend<Result>();
});

test("without a schema anything may be returned", () => {
  const app = new App();
  expectTypeOf<RouteResult<undefined>>().toEqualTypeOf<unknown>();
  app.get("/null", () => null);
  app.get("/nothing", () => {});
  app.get("/options", { status: 201, tags: ["a"] }, {}, async () => ["anything"]);
  app.get("/stream", async function* () {
    yield "a";
  });
});

test("routes chain", () => {
  const app = new App().get("/a", () => 1).post("/b/:b", { id: path({ alias: "b" }) }, () => 2);
  expectTypeOf(app).toEqualTypeOf<App>();
});

test("responses carry tasks, not functions", () => {
  const clean = (): void => {};
  json({}, { background: new BackgroundTask(clean) });
  new App().get("/", { background: new BackgroundTask(clean) }, {}, () => null);
  // @ts-expect-error: a function is no task
  const wrong = () => json({}, { background: clean });
  expectTypeOf(wrong).toBeFunction();
});
