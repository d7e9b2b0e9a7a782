// Type 'ZodString' is not assignable to type 'Declaration'.
import { App } from "afterword";
import * as z from "zod";

new App().get("/items", { status: 200 }, { q: z.string() }, ({ q }) => q);
