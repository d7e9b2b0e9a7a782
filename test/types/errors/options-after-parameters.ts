// 'q' does not exist in type 'RouteOptions<undefined>'.
import { App, query } from "afterword";

new App().post("/items", { q: query() }, { status: 201 }, ({ q }) => q);
