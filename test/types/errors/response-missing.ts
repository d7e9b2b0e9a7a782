// Type 'void' is not assignable to type
import { App } from "afterword";
import * as z from "zod";

new App().get("/item", { response: z.object({ name: z.string() }) }, {}, () => {});
