// Before a program of start.ts, with --import: tells each module that is loaded.
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";

registerHooks({
  load(url, context, next) {
    writeSync(1, `module ${url}\n`);
    return next(url, context);
  },
});
