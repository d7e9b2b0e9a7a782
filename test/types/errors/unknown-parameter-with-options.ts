// Property 'limit' does not exist on type '{ readonly q: string | undefined; }'.
import { App, query } from "afterword";

new App().get("/items", { status: 200 }, { q: query() }, ({ q, limit }) => [q, limit]);
