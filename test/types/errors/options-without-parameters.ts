// Type 'number' is not assignable to type 'Declaration'.
import { App } from "afterword";

new App().post("/items", { status: 201 }, () => ({ created: true }));
