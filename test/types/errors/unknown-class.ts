// Type 'DateConstructor' is not assignable to type 'Declaration'.
import { App } from "afterword";

new App().get("/", { now: Date }, ({ now }) => now.getTime());
