import { App } from "afterword";

new App({ lifespan: async () => {} });
