import { App, dependency } from "afterword";

const getUser = dependency(() => ({ name: "Ada" }));

new App().overrides.set(getUser, () => ({ nickname: "Ada" }));
