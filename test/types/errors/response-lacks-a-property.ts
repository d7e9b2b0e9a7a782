// Property 'price' is missing in type '{ name: string; }' but required in type '{ name: string; price: number; }'.
import { App } from "afterword";
import * as z from "zod";

const Item = z.object({ name: z.string(), price: z.number() });

new App().get("/item", { response: Item }, {}, async () => ({ name: "tea" }));
