// Property 'limit' does not exist on type '{ readonly q: string | undefined; }'.
import { App, query } from "afterword";

new App().get("/items", { q: query() }, ({ q, limit }) => [q, limit]);
