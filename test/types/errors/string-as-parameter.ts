// Type 'string' is not assignable to type 'Declaration'.
import { App } from "afterword";

new App().get("/items/:id", { id: "string" }, ({ id }) => id);
