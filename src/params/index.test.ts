import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { dependency, type ValuesOf } from "../dependencies/dependency.ts";
import {
  body,
  cookie,
  file,
  files,
  form,
  header,
  path,
  query,
  type BodyParameter,
  type FileParameter,
  type FilesParameter,
  type FormParameter,
  type PathParameter,
  type QueryParameter,
  type Upload,
} from "./index.ts";

test("declarations have the type of their value", () => {
  expectTypeOf(path()).toEqualTypeOf<PathParameter<string>>();
  expectTypeOf(path(z.int())).toEqualTypeOf<PathParameter<number>>();
  expectTypeOf(query()).toEqualTypeOf<QueryParameter<string | undefined>>();
  expectTypeOf(query({ alias: "q" })).toEqualTypeOf<QueryParameter<string | undefined>>();
  expectTypeOf(query(z.int().default(10))).toEqualTypeOf<QueryParameter<number>>();
  expectTypeOf(query(z.string().optional(), { description: "x" })).toEqualTypeOf<QueryParameter<string | undefined>>();
  expectTypeOf(query(v.array(v.number()))).toEqualTypeOf<QueryParameter<number[]>>();
  expectTypeOf(query(toStandardJsonSchema(v.number()))).toEqualTypeOf<QueryParameter<number>>();
  expectTypeOf(query(type("number | undefined"))).toEqualTypeOf<QueryParameter<number | undefined>>();
  expectTypeOf(body()).toEqualTypeOf<BodyParameter<unknown>>();
  expectTypeOf(body(z.object({ at: z.coerce.date() }))).toEqualTypeOf<BodyParameter<{ at: Date }>>();
  expectTypeOf(form()).toEqualTypeOf<FormParameter<Record<string, string | string[]>>>();
  expectTypeOf(form(z.object({ n: z.number() }))).toEqualTypeOf<FormParameter<{ n: number }>>();
  expectTypeOf(file()).toEqualTypeOf<FileParameter<Upload>>();
  expectTypeOf(file({ maxBytes: 5 })).toEqualTypeOf<FileParameter<Upload>>();
  expectTypeOf(file({ optional: true })).toEqualTypeOf<FileParameter<Upload | undefined>>();
  expectTypeOf(file(z.file(), { optional: true })).toEqualTypeOf<FileParameter<File | undefined>>();
  expectTypeOf(file(z.file().transform(({ size }) => size))).toEqualTypeOf<FileParameter<number>>();
  expectTypeOf(files({ optional: true })).toEqualTypeOf<FilesParameter<Upload[]>>();
});

test("a record of declarations has the types of its values", () => {
  const getQuery = dependency({ q: query() }, ({ q }) => q ?? "none");
  const params = { email: path(z.email()), q: getQuery, userAgent: header(), session: cookie(), photo: file() };
  expectTypeOf<ValuesOf<typeof params>>().toEqualTypeOf<{
    readonly email: string;
    readonly q: string;
    readonly userAgent: string | undefined;
    readonly session: string | undefined;
    readonly photo: Upload;
  }>();
});

test("what is no schema and no option does not compile", () => {
  // @ts-expect-error a constructor is no schema
  expect(() => query(Number)).toThrow("query() expects");
  // @ts-expect-error unknown option
  expect(() => query({ aliass: "q" })).toThrow("no option");
  // @ts-expect-error body() has no alias
  expect(() => body(z.string(), { alias: "q" })).toThrow("no option");
  // @ts-expect-error file() has no maxCount
  expect(() => file({ maxCount: 5 })).toThrow("no option");
  // @ts-expect-error a string is no number of bytes
  expect(() => body({ maxBytes: "1mb" })).toThrow("must be");
});
