// Type 'StringSchema<undefined>' is not assignable to type 'Declaration'.
import { App } from "afterword";
import * as v from "valibot";

new App().get("/items", { q: v.string() }, ({ q }) => q);
