// Type '() => void' is not assignable to type 'Dependency<unknown>'.
import { App } from "afterword";

const requireUser = () => {};

new App().get("/", { dependencies: [requireUser] }, {}, () => null);
