// Keys that would reach the prototype of all objects, from every place that has keys.
import { BackgroundTasks, body, cookie, form, header, query } from "afterword";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { multipart, multipartType } from "../../src/params/multipart.fixture.ts";
import { keepTidy } from "../support/tidy.ts";
import { besideNeighbors, type Target } from "./beside-neighbors.ts";

keepTidy();

afterEach(() => {
  const fresh = {} as Record<string, unknown>;
  expect(fresh.polluted, "({}).polluted").toBeUndefined();
  expect(fresh["x-polluted"], '({})["x-polluted"]').toBeUndefined();
  expect(([] as unknown as Record<string, unknown>).polluted, "[].polluted").toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("polluted");
  expect(Object.prototype.constructor).toBe(Object);
});

/** What programs do with a record that they are given. */
function use(data: unknown): unknown {
  const copy = Object.assign({}, data as object);
  return { ...copy, ...(data as object) };
}

function define({ app, recorder }: Target): void {
  const loose = z.looseObject({});
  for (const [name, declaration] of [
    ["any", body()],
    ["loose", body(loose)],
    ["record", body(z.record(z.string(), z.unknown()))],
  ] as const)
    app.post(`/json/${name}`, { data: declaration, tasks: BackgroundTasks }, ({ data, tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return use(data);
    });
  for (const [name, declaration] of [
    ["any", form()],
    ["loose", form(loose)],
    ["record", form(z.record(z.string(), z.unknown()))],
  ] as const)
    app.post(`/form/${name}`, { data: declaration, tasks: BackgroundTasks }, ({ data, tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return use(data);
    });
  app.get(
    "/texts",
    {
      q: query({ alias: "constructor" }),
      all: query(z.array(z.string()).optional(), { alias: "toString" }),
      own: query({ alias: "__proto__" }),
      c: cookie({ alias: "constructor" }),
      p: cookie({ alias: "__proto__" }),
      h: header({ alias: "constructor" }),
      tasks: BackgroundTasks,
    },
    ({ tasks, ...came }) => {
      tasks.addTask(() => recorder.add("task"));
      return came;
    },
  );
}

test.each([
  '{"__proto__": {"polluted": 1}}',
  '{"a": {"b": [{"__proto__": {"polluted": 1}}]}}',
  '{"\\u005f\\u005fproto\\u005f\\u005f": {"polluted": 1}}',
  '[{"__proto__": {"polluted": 1}}]',
  '{"__proto__": null}',
  '{"__proto__": 1}',
  '{"constructor": {"prototype": {"polluted": 1}}}',
  '{"a": {"constructor": {"prototype": {"polluted": 1}}}}',
  '{"c\\u006fnstructor": {"pr\\u006ftotype": {"polluted": 1}}}',
])("JSON with a forbidden key is answered with 422: %s", async (text) => {
  await besideNeighbors(define, async ({ request, recorder }) => {
    for (const name of ["any", "loose", "record"]) {
      const response = await request("POST", `/json/${name}`, {
        headers: { "content-type": "application/json" },
        body: text,
      });
      expect(response.status).toBe(422);
      expect(JSON.parse(response.text)).toMatchObject({ detail: [{ type: "json_invalid", loc: ["body"] }] });
    }
    expect(recorder.count("task")).toBe(0);
  });
});

test("JSON with a harmless key of a like name is a value", async () => {
  await besideNeighbors(define, async ({ request }) => {
    const response = await request("POST", "/json/any", {
      headers: { "content-type": "application/json" },
      body: '{"constructor": "a builder", "prototype": 1, "proto": "__proto__", "toString": 2}',
    });
    expect(response.status).toBe(200);
  });
});

const names = [
  "__proto__",
  "__proto__[polluted]",
  "__proto__.polluted",
  "constructor[prototype][polluted]",
  "constructor.prototype.polluted",
  "constructor",
  "toString",
  "hasOwnProperty",
  "then",
];

test.each(names)("a form with the field %s is a form like others", async (name) => {
  await besideNeighbors(define, async ({ request, recorder }) => {
    const encoded = encodeURIComponent(name);
    const requests = [
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: `${encoded}=1&${encoded}=2&a=3` },
      {
        headers: { "content-type": multipartType },
        body: multipart({ name, content: "1" }, { name, content: "2" }, { name: "a", content: "3" }),
      },
    ];
    for (const kind of ["any", "loose", "record"])
      for (const each of requests) {
        const response = await request("POST", `/form/${kind}`, each);
        expect(response.status).toBe(200);
        expect(JSON.parse(response.text)).toMatchObject({ a: "3" });
      }
    await recorder.when("task");
  });
});

test.each(names)("a file under the name %s is refused with 422", async (name) => {
  await besideNeighbors(define, async ({ request, recorder }) => {
    const response = await request("POST", "/form/any", {
      headers: { "content-type": multipartType },
      body: multipart({ name, filename: "__proto__", content: "1" }),
    });
    expect(response.status).toBe(422);
    expect(JSON.parse(response.text)).toMatchObject({ detail: [{ loc: ["body", name] }] });
    expect(recorder.count("task")).toBe(0);
  });
});

test("query, cookies and headers have such names only where they come", async () => {
  await besideNeighbors(define, async ({ request }) => {
    const none = await request("GET", "/texts?a=1", { headers: { cookie: "a=1" } });
    expect(none.status).toBe(200);
    expect(JSON.parse(none.text)).toEqual({});
    const all = await request("GET", "/texts?constructor=1&toString=2&toString=3&__proto__=4&__proto__[polluted]=5", {
      headers: { cookie: "constructor=6; __proto__=7; __proto__[polluted]=8", constructor: "9" },
    });
    expect(all.status).toBe(200);
    expect(JSON.parse(all.text)).toEqual({ q: "1", all: ["2", "3"], own: "4", c: "6", p: "7", h: "9" });
  });
});
