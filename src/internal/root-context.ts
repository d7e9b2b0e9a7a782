import { AsyncResource } from "node:async_hooks";

const manualDestroy = { requireManualDestroy: true };

/** Made when the program starts, outside of any request. */
const root = new AsyncResource("AfterwordRoot", manualDestroy);

/** Calls `fn` without the AsyncLocalStorage of whoever calls: what it starts and keeps must not keep a request alive. */
export function inRootContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return root.runInAsyncScope(fn, undefined, ...args);
}

/** The same in a context of its own: what `fn` sets with `enterWith` is seen by nobody after it. */
export function inFreshContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return root.runInAsyncScope(createContext).runInAsyncScope(fn, undefined, ...args);
}

function createContext(): AsyncResource {
  return new AsyncResource("AfterwordJob", manualDestroy);
}
