// 'token' is possibly 'undefined'.
import { App, bearer } from "afterword";

new App().get("/", { token: bearer({ optional: true }) }, ({ token }) => token.length);
