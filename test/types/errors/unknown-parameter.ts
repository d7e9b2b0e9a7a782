import { App, query } from "afterword";

new App().get("/items", { q: query() }, ({ q, limit }) => [q, limit]);
