import type { Abstract, Type } from "@nestjs/common";
import type { ModuleRef } from "@nestjs/core";
import { dependency, type Dependency } from "../../dependencies/dependency.ts";
import type { Client } from "../../tasks/client.ts";
import { currentClient } from "../../tasks/current-client.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";

/** By the client of their app, which is what a job runs under. */
const modules = new WeakMap<Client, ModuleRef>();

export function addModule(client: Client, module: ModuleRef): void {
  modules.set(client, module);
}

/**
 * A provider of the Nest app as a dependency: named tasks get it where they run, in whatever process that is, and so do
 * dependencies that are solved by `resolve`. It must be a singleton of any module of the app.
 *
 * @throws {AfterwordError} with code `no_nest_app`, when it is solved, if no Nest app with the module is open
 *
 * @example
 * ```ts
 * import { Injectable } from "@nestjs/common";
 * import { task } from "afterword";
 * import { provider } from "afterword/nest";
 *
 * @Injectable()
 * export class Mailer {
 *   async welcome(email: string) {
 *     console.log(`mail to ${email}`);
 *   }
 * }
 *
 * export const sendWelcome = task("send-welcome", {}, { mailer: provider(Mailer) }, ({ mailer }, email: string) =>
 *   mailer.welcome(email),
 * );
 * ```
 */
export function provider<T>(token: Type<T> | Abstract<T> | string | symbol): Dependency<T> {
  const name = typeof token === "function" ? token.name : String(token);
  const get = (): T => {
    const module = modules.get(currentClient());
    if (module !== undefined) return module.get<T>(token as Type<T>, { strict: false });
    throw new AfterwordError(
      "no_nest_app",
      `provider(${name}) expects a Nest app that has imported BackgroundTasksModule.forRoot() and is initialized, but the job or request runs in none.`,
    );
  };
  Object.defineProperty(get, "name", { value: `provider(${name})` });
  return dependency(get) as Dependency<T>;
}
