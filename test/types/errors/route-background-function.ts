// Type '() => void' is not assignable to type 'BackgroundTask<never[]>'.
import { App } from "afterword";

const clean = () => {};

new App().get("/", { background: clean }, {}, () => null);
