// Argument of type '() => { nickname: string; }' is not assignable to parameter of type 'Dependency<{ name: string; }>'.
import { App, dependency } from "afterword";

const getUser = dependency(() => ({ name: "Ada" }));

new App().overrides.set(getUser, () => ({ nickname: "Ada" }));
