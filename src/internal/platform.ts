// Said once and early, and not where the first of what is missing is called.
if (typeof Promise.withResolvers !== "function")
  throw new Error(
    `Afterword needs Node 22.18 or later, Bun or Deno, but runs on ${"process" in globalThis ? `Node ${process.version}` : "another platform"}. Install a newer one: https://nodejs.org`,
  );

/**
 * The `Request` and `Response` of the platform.
 *
 * \@hono/node-server puts lighter subclasses in their place when it starts to listen. An app's module has usually taken
 * `Request` as a token before that, and `fetch()` goes on to answer with the platform's own `Response`: so both classes
 * must be recognized, whichever was there when this module was loaded.
 */
function platformClass<T extends abstract new (...args: never[]) => unknown>(current: T): T {
  const parent: unknown = Object.getPrototypeOf(current);
  return typeof parent === "function" && parent !== Function.prototype ? (parent as T) : current;
}

const PlatformRequest: typeof Request = platformClass(globalThis.Request);
const PlatformResponse: typeof Response = platformClass(globalThis.Response);

/** Whether `value` is the class `Request`: the platform's, or the one that replaced it. */
export function isRequestClass(value: unknown): value is typeof Request {
  return value === PlatformRequest || value === globalThis.Request;
}

/** Whether a host's requests cannot be read any more when their responses have left: Deno's throw, Bun's are empty. */
export const areRequestsClosed: boolean = "Deno" in globalThis || "Bun" in globalThis;

/** Whether `value` is a response, of the platform's class or of a subclass. */
export function isResponse(value: unknown): value is Response {
  return value instanceof PlatformResponse;
}

/** What a body can be made of, named without the DOM library of TypeScript, which a server's project need not have. */
export type BodyInput = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** What headers can be made of. */
export type HeadersInput = NonNullable<ConstructorParameters<typeof Headers>[0]>;
