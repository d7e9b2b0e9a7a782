import { createParamDecorator, type ExecutionContext } from "@nestjs/common";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { exchangeOf } from "./nest-exchange.ts";
import { listFor, markHandler } from "./watched-handlers.ts";

/**
 * The background tasks of the request, as a parameter of its handler. Unlike a `BackgroundTasks` in a constructor it leaves the
 * controller a singleton, which costs less: a provider with one is made anew for each request, and so is all that needs it.
 *
 * @example
 * ```ts
 * import { Controller, Post } from "@nestjs/common";
 * import type { BackgroundTasks } from "afterword";
 * import { Tasks } from "afterword/nest";
 *
 * @Controller("users")
 * export class UsersController {
 *   @Post()
 *   create(@Tasks() tasks: BackgroundTasks) {
 *     tasks.addTask(console.log, "after the response");
 *     return { message: "You will get a mail" };
 *   }
 * }
 * ```
 */
export function Tasks(): ParameterDecorator {
  return (prototype, name, index) => {
    inject()(prototype, name, index);
    if (name !== undefined) markHandler(prototype, name, index);
  };
}

const inject = createParamDecorator((_: unknown, context: ExecutionContext): BackgroundTasks =>
  listFor(exchangeOf(context.switchToHttp().getRequest())),
);
