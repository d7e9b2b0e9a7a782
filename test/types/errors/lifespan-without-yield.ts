// Type '() => Promise<void>' is not assignable to type 'LifespanFunction<App>'.
import { App } from "afterword";

new App({ lifespan: async () => {} });
