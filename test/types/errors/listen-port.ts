import { App } from "afterword";

await new App().listen({ port: "8000" });
