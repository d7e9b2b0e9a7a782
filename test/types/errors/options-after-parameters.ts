import { App, query } from "afterword";

new App().post("/items", { q: query() }, { status: 201 }, ({ q }) => q);
