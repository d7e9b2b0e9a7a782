import { formatValue } from "../internal/format-value.ts";

/** Any function that can be a task: its own parameters are checked where it is added. */
export type TaskFunction = (...args: never[]) => unknown;

/** Arguments that must be those of a function, which alone says what `A` is: so a misspelt property is an error. */
export type TaskArguments<A extends unknown[]> = { [K in keyof A]: NoInfer<A[K]> };

/**
 * One function with its arguments, to be run after a response.
 *
 * Usually made by {@link BackgroundTasks.addTask}. Make one yourself to hand it to a response:
 *
 * @example
 * ```ts
 * import { App, BackgroundTask, json } from "afterword";
 *
 * const app = new App();
 * const welcome = async (email: string) => console.log(`welcome, ${email}`);
 *
 * app.post("/users", () => json({ created: true }, { background: new BackgroundTask(welcome, "foo@example.com") }));
 * ```
 */
export class BackgroundTask<A extends unknown[] = never[]> {
  /** The function to call. */
  readonly fn: TaskFunction;
  /** What it is called with: held by reference, not copied. */
  readonly args: readonly unknown[];

  /** @throws {TypeError} when `fn` is not a function; the message says what was passed instead */
  constructor(fn: (...args: A) => unknown, ...args: TaskArguments<A>) {
    assertTaskFunction(fn, "new BackgroundTask(fn, ...args)");
    this.fn = fn;
    this.args = args;
  }

  /**
   * Calls the function now and waits for it, also when it returns a promise without being `async`. Rejects with its error.
   * A named task is called like any function; where a response carries it, it is stored.
   */
  async run(): Promise<void> {
    await this.fn(...(this.args as never[]));
  }
}

/** Throws a `TypeError` that names what was passed in place of a function. */
export function assertTaskFunction(fn: unknown, call: string): asserts fn is TaskFunction {
  if (typeof fn === "function") return;
  const hint =
    typeof (fn as PromiseLike<unknown> | undefined)?.then === "function"
      ? "a promise, so the function was already called: pass the function itself, and its arguments after it"
      : formatValue(fn);
  throw new TypeError(`${call} expects a function, but got ${hint}.`);
}
