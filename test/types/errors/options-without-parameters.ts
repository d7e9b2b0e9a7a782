import { App } from "afterword";

new App().post("/items", { status: 201 }, () => ({ created: true }));
