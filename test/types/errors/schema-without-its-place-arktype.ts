// Type 'Type<string, {}>' is not assignable to type 'Declaration'.
import { App } from "afterword";
import { type } from "arktype";

new App().get("/items", { q: type("string") }, ({ q }) => q);
