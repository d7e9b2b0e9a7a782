// Target signature provides too few arguments. Expected 1 or more, but got 0.
import { App } from "afterword";

new App().get("/items", ({ q }) => q);
