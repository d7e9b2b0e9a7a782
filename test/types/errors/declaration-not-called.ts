// is not assignable to type 'Declaration'.
import { App, query } from "afterword";

new App().get("/items", { q: query }, ({ q }) => q);
