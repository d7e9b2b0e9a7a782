// Type '{ name: string; price: string; }' is not assignable to type '{ name: string; price: number; }'.
import { App, path } from "afterword";
import * as z from "zod";

const Item = z.object({ name: z.string(), price: z.number() });

new App().get("/item/:id", { response: Item }, { id: path() }, async ({ id }) => {
  if (id === "1") return { name: "tea", price: 5 };
  return { name: "tea", price: "5" };
});
