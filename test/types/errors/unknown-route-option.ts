import { App } from "afterword";

new App().post("/items", { statusCode: 201 }, {}, () => ({ created: true }));
