import { App } from "afterword";

new App().get("/items", ({ q }) => q);
