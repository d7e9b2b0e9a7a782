import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { App } from "../app/app.ts";
import { CliError } from "./cli-error.ts";
import { describeError } from "./describe-error.ts";

/** The app that a file exports: its default export, or the one called `app`. */
export async function loadApp(file: string): Promise<App> {
  assertFileExists(file);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new CliError(`${describeError(error)}\n\n${file} could not be loaded: see above.`);
  }
  const app = module.default ?? module.app;
  if (app instanceof App) return app;
  throw new CliError(
    `${file} must export an App: write export default app at its end. ${
      app === undefined
        ? `It exports ${Object.keys(module).join(", ") || "nothing"}.`
        : "What it exports is no App of this installation of afterword: are there two in node_modules?"
    }`,
  );
}

/** @throws {CliError} when there is no such file */
export function assertFileExists(file: string): void {
  const path = resolve(file);
  if (!existsSync(path))
    throw new CliError(`There is no file ${path}. Give the file that exports your app, such as app.ts.`);
}
