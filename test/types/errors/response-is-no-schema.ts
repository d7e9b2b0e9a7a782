// 'name' does not exist in type 'StandardSchemaV1<unknown, unknown>'.
import { App } from "afterword";

new App().get("/item", { response: { name: "string" } }, {}, () => ({ name: "tea" }));
