// Type 'string' is not assignable to type 'number'.
import { App } from "afterword";
import * as z from "zod";

const Item = z.object({ name: z.string(), price: z.number() });

new App().get("/item", { response: Item }, {}, () => ({ name: "tea", price: "5" }));
