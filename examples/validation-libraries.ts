// The same page of a list, declared with zod, valibot and arktype: `?limit=5` arrives as a number in each. Text is converted
// where the library can say as JSON Schema what it takes; zod and arktype can by themselves, valibot's schema is wrapped.
//
//   node --conditions=afterword-source examples/validation-libraries.ts
//   curl "http://127.0.0.1:8000/zod?limit=5"
//   curl "http://127.0.0.1:8000/valibot?limit=5"
//   curl "http://127.0.0.1:8000/arktype?limit=500"
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { App, query } from "afterword";
import * as v from "valibot";
import * as z from "zod";

const app = new App({ title: "Validation libraries" });

const page = ({ limit }: { readonly limit: number }) => ({ limit, next: limit + 1 });

const zodLimit = z.int().min(1).max(100).default(10);
app.get("/zod", { limit: query(zodLimit) }, page);

const valibotLimit = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 10);
app.get("/valibot", { limit: query(toStandardJsonSchema(valibotLimit)) }, page);

const arktypeLimit = type("1 <= number.integer <= 100 | undefined").pipe((limit) => limit ?? 10);
app.get("/arktype", { limit: query(arktypeLimit) }, page);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
