// 'q' is possibly 'undefined'.
import { App, query } from "afterword";

new App().get("/items", { q: query() }, ({ q }) => q.toUpperCase());
