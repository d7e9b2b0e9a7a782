// Type 'string' is not assignable to type 'number'.
import { App } from "afterword";

await new App().listen({ port: "8000" });
