import {
  accepted,
  App,
  BackgroundTasks,
  bearer,
  body,
  cookie,
  dependency,
  file,
  files,
  form,
  header,
  HTTPException,
  memory,
  path,
  query,
  Router,
  stream,
  task,
  taskRoutes,
  text,
} from "afterword";
import * as z from "zod";

const rebuild = task("documented-rebuild", async (id: number) => id);

const Tag = z.object({ label: z.string().max(20) }).meta({ id: "Tag" });
const Item = z
  .object({
    id: z.int().min(0).max(500),
    name: z.string().min(1).max(20),
    price: z.number().min(0).max(900).default(1),
    tags: z.array(Tag).max(3).default([]),
    kind: z.enum(["new", "used"]).optional(),
    size: z.union([z.int().min(1).max(9), z.literal("any")]).optional(),
    notes: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: "Item" });
const Folder = z.object({
  name: z.string(),
  get folders() {
    return z.array(Folder).max(2);
  },
});

/** An app whose document says everything that it answers. */
export function createDocumentedApp(): App {
  const app = new App({ title: "Documented", broker: memory(), maxBodyBytes: 10_000 });
  const user = dependency({ token: bearer() }, ({ token }) => token);
  const paged = dependency(
    { page: query(z.int().min(1).max(50).default(1)), size: query(z.int().min(1).max(100).optional()) },
    (values) => values,
  );

  const items = new Router({ prefix: "/items", tags: ["items"] });
  items.get(
    "/",
    { response: z.array(Item) },
    {
      paged,
      kinds: query(
        z
          .array(z.enum(["new", "used"]))
          .max(2)
          .optional(),
        { alias: "kind" },
      ),
      language: header(z.string().max(30).optional(), { alias: "x-language" }),
      ratios: header(z.array(z.number()).optional(), { alias: "x-ratios" }),
      session: cookie(z.string().min(2).max(40).optional()),
      isSold: query(z.boolean().optional(), { alias: "sold" }),
    },
    () => [],
  );
  items.get("/:id", { response: Item, responses: { 404: "No such item" } }, { id: path(z.int().min(0)) }, ({ id }) => {
    if (id > 400) throw new HTTPException(404, "No such item");
    return { id, name: "lamp" };
  });
  items.post(
    "/",
    { status: 201, response: Item },
    { item: body(Item), user, tasks: BackgroundTasks },
    ({ item, tasks }) => {
      tasks.addTask(() => {});
      return item;
    },
  );
  items.put("/:id/tree", { response: Folder }, { id: path(), tree: body(Folder) }, ({ tree }) => tree);
  items.patch(
    "/:id",
    {},
    { id: path(z.int()), change: body(Item.partial().optional()) },
    ({ change }) => change ?? null,
  );
  items.delete("/:id", { status: 204 }, { id: path(z.int()), user }, () => undefined);
  items.post(
    "/:id/photos",
    { response: z.object({ bytes: z.int(), caption: z.string(), more: z.int() }) },
    {
      id: path(z.int()),
      fields: form(
        z.object({ caption: z.string().min(1), order: z.int().optional(), words: z.array(z.string()).optional() }),
      ),
      photo: file({ types: ["image/*"], maxBytes: 5_000 }),
      more: files({ optional: true, maxCount: 2 }),
    },
    ({ fields, photo, more }) => ({ bytes: photo.size, caption: fields.caption, more: more.length }),
  );
  app.include(items);

  app.post(
    "/login",
    {},
    { credentials: form(z.object({ name: z.string().min(1), age: z.int().max(200).optional() })) },
    ({ credentials }) => ({
      name: credentials.name,
    }),
  );
  app.post("/rebuild/:id", { status: 202 }, { id: path(z.int()), tasks: BackgroundTasks }, ({ id, tasks }) =>
    accepted(tasks.addTask(rebuild, id)),
  );
  app.get(
    "/page/:name?",
    { responses: { 200: { contentType: "text/plain" } } },
    { name: path(z.string().max(5).optional()) },
    ({ name }) => text(name ?? "none"),
  );
  app.get("/stream", { responses: { 200: { contentType: "text/plain" } } }, {}, () =>
    stream(
      (async function* () {
        yield "some";
      })(),
    ),
  );
  app.include(taskRoutes({ cancel: true }));
  return app;
}
