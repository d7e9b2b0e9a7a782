import type { BackgroundTasks } from "../../background/background-tasks.ts";
import type { NestExchange } from "./nest-exchange.ts";

type Handler = (...args: unknown[]) => unknown;

/** Which handlers are given a list, as which of their arguments. */
const marked = new WeakMap<object, Map<string | symbol, number>>();

/** To be watched when the module is imported: until then it is what its author has written. */
export function markHandler(prototype: object, name: string | symbol, index: number): void {
  const handlers = marked.get(prototype);
  if (handlers === undefined) marked.set(prototype, new Map([[name, index]]));
  else handlers.set(name, index);
}

/** Whose list it is that a handler was given. A weak map of as many keys as requests keeps the garbage collector busy. */
const exchangeKey = Symbol("afterword.exchange");

type Owned = BackgroundTasks & { [exchangeKey]?: NestExchange };

export function listFor(exchange: NestExchange): BackgroundTasks {
  const list: Owned = exchange.list;
  list[exchangeKey] = exchange;
  return list;
}

/**
 * Puts a function around each marked handler of a controller, by which its request sees what it throws before the exception filters
 * make an answer of it. An interceptor would see the same, and is the costliest thing in Nest's path. Calls after the first do
 * nothing.
 */
export function watchHandlers(controller: { readonly prototype: object }): void {
  for (
    let prototype: unknown = controller.prototype;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const handlers = marked.get(prototype as object);
    if (handlers === undefined) continue;
    marked.delete(prototype as object);
    for (const [name, index] of handlers) watchHandler(prototype as Record<string | symbol, Handler>, name, index);
  }
}

function watchHandler(prototype: Record<string | symbol, Handler>, name: string | symbol, index: number): void {
  const handler = prototype[name]!;
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    const exchange = (args[index] as Owned | undefined)?.[exchangeKey];
    return exchange === undefined ? handler.apply(this, args) : exchange.watchHandler(() => handler.apply(this, args));
  };
  Object.defineProperty(watched, "name", { value: handler.name });
  Object.defineProperty(watched, "length", { value: handler.length });
  // The metadata of a function are also those of what inherits from it: its route, its guards, and all that decorators have noted.
  Object.setPrototypeOf(watched, handler);
  Object.defineProperty(prototype, name, { ...Object.getOwnPropertyDescriptor(prototype, name), value: watched });
}
