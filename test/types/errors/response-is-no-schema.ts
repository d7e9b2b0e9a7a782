import { App } from "afterword";

new App().get("/item", { response: { name: "string" } }, {}, () => ({ name: "tea" }));
