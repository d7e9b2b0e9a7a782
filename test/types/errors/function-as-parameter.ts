// Type '() => { name: string; }' is not assignable to type 'Declaration'.
import { App } from "afterword";

const getUser = () => ({ name: "Ada" });

new App().get("/me", { user: getUser }, ({ user }) => user);
