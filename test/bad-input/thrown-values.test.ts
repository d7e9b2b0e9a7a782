// Whatever is thrown, wherever: the answer is a 500 that tells nothing, and all that was opened is closed.
import { format } from "node:util";
import {
  App,
  BackgroundTasks,
  body,
  dependency,
  file,
  jsonLines,
  sse,
  stream,
  type BackgroundOptions,
} from "afterword";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { multipart, multipartType } from "../../src/params/multipart.fixture.ts";
import { filesIn } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { besideNeighbors, type Attack, type Target } from "./beside-neighbors.ts";
import { openRaw } from "./raw-bytes.ts";

const tidy = keepTidy();

const printed = vi.spyOn(console, "error");
beforeEach(() => void printed.mockClear().mockImplementation(() => {}));
afterEach(() => void printed.mockReset());

const secret = "hunter2";

function withGetter(key: string): Error {
  return Object.defineProperty(new Error(secret), key, {
    get() {
      throw new Error(`the ${key} getter throws`);
    },
  });
}

const thrown: [string, () => unknown][] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["false", () => false],
  ["a string", () => secret],
  ["an empty string", () => ""],
  ["a symbol", () => Symbol(secret)],
  ["a bigint", () => 10n],
  ["a function", () => () => secret],
  ["a frozen object", () => Object.freeze({ status: 200, message: secret })],
  ["a frozen error", () => Object.freeze(new Error(secret))],
  ["an object without a prototype", () => Object.assign(Object.create(null), { message: secret }) as object],
  ["an object that cannot be a string", () => ({ toString: () => ({}), valueOf: () => ({}) })],
  ["an error whose message getter throws", () => withGetter("message")],
  ["an error whose name getter throws", () => withGetter("name")],
  ["an error whose stack getter throws", () => withGetter("stack")],
  [
    "an error whose message is a symbol",
    () => Object.defineProperty(new Error(), "message", { value: Symbol(secret) }),
  ],
  [
    "an error that is its own cause",
    () => {
      const error = new Error(secret);
      error.cause = error;
      return error;
    },
  ],
  ["a promise", () => Promise.resolve(secret)],
  ["a Response", () => new Response(secret, { status: 200 })],
  [
    "an object whose then getter throws",
    () =>
      Object.defineProperty({}, "then", {
        get() {
          throw new Error("then");
        },
      }),
  ],
  [
    "an object whose constructor getter throws",
    () =>
      Object.defineProperty({}, "constructor", {
        get() {
          throw new Error("constructor");
        },
      }),
  ],
];

class Unrelated extends Error {}

/** A place to throw in, for each of what is thrown: `throwIt` throws. */
function defineAt(throwIt: () => never, { app, recorder }: Target): void {
  const closed = dependency(function* () {
    recorder.add("opened");
    try {
      yield;
    } finally {
      recorder.add("closed");
    }
  });
  const closedEarly = dependency({ scope: "function" }, {}, async function* () {
    recorder.add("opened");
    try {
      yield;
    } finally {
      recorder.add("closed");
    }
  });
  const withTasks = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => recorder.add("success"));
    tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
    tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
  });
  const first = { closed, closedEarly, withTasks };
  app.onError(Unrelated, () => "never");
  app.post("/handler", first, () => throwIt());
  app.post("/async-handler", first, async () => throwIt());
  app.post(
    "/rejection",
    first,
    () =>
      new Promise((_, reject) => {
        try {
          throwIt();
        } catch (error) {
          reject(error as Error);
        }
      }),
  );
  app.post("/dependency", { ...first, it: dependency(() => throwIt()) }, () => ({}));
  app.post("/async-dependency", { ...first, it: dependency(async () => throwIt()) }, () => ({}));
  app.post(
    "/generator",
    {
      ...first,
      it: dependency(function* () {
        throwIt();
        yield 1;
      }),
    },
    () => ({}),
  );
  app.post(
    "/async-generator",
    {
      ...first,
      it: dependency(async function* () {
        throwIt();
        yield 1;
      }),
    },
    () => ({}),
  );
  app.post(
    "/early-clean-up",
    {
      ...first,
      it: dependency({ scope: "function" }, {}, function* () {
        yield 1;
        throwIt();
      }),
    },
    () => ({}),
  );
  app.post(
    "/translation",
    {
      ...first,
      it: dependency(function* () {
        try {
          yield 1;
        } finally {
          throwIt();
        }
      }),
    },
    () => {
      throw new Error("first");
    },
  );
  app.post("/upload", { photo: file(), ...first }, () => throwIt());
  app.post(
    "/schema",
    { ...first, data: body({ "~standard": { version: 1, vendor: "x", validate: () => throwIt() } }) },
    () => ({}),
  );
  app.post(
    "/response",
    { response: { "~standard": { version: 1, vendor: "x", validate: () => throwIt() } } },
    first,
    () => ({}),
  );
  app.post("/json", first, () => ({ toJSON: () => throwIt() }));
}

const places = [
  "/handler",
  "/async-handler",
  "/rejection",
  "/dependency",
  "/async-dependency",
  "/generator",
  "/async-generator",
  "/early-clean-up",
  "/translation",
  "/schema",
  "/response",
  "/json",
];

/** Sends a request to a place, and checks all that follows of what is thrown there. */
async function throwsAt(place: string, { request, recorder }: Attack): Promise<void> {
  recorder.events.length = 0;
  printed.mockClear();
  const response = await request("POST", place, { headers: { "content-type": "application/json" }, body: "{}" });
  const { status, text } = response;
  expect({ place, status, text }).toEqual({ place, status: 500, text: "Internal Server Error" });
  await waitUntil(() => recorder.has("error") && recorder.count("closed") === 2, {
    what: `tasks and clean-up of ${place}`,
  });
  const counts = Object.fromEntries(["always", "success", "opened"].map((event) => [event, recorder.count(event)]));
  expect({ place, ...counts, printed: printed.mock.calls.length }).toEqual({
    place,
    always: 1,
    success: 0,
    opened: 2,
    printed: 1,
  });
}

describe.each([
  ["without middleware", false],
  ["with middleware", true],
])("%s", (_with, hasMiddleware) => {
  test.each(thrown)("%s becomes a 500 that tells nothing, from every place", async (_what, make) => {
    await besideNeighbors(
      (target) => {
        if (hasMiddleware) target.app.use((_, next) => next());
        defineAt(() => {
          throw make();
        }, target);
      },
      async (attack) => {
        for (const place of places) await throwsAt(place, attack);
        const photo = { name: "photo", filename: "p", content: "a".repeat(2 * 2 ** 20) };
        const headers = { "content-type": multipartType };
        const upload = await attack.request("POST", "/upload", { headers, body: multipart(photo) });
        expect(upload.status).toBe(500);
        await waitUntil(async () => (await filesIn(tidy.tempDirectory())).length === 0, {
          what: "the upload is removed",
        });
      },
    );
  });
});

test.each(thrown)("%s from middleware, or from an error handler, becomes a 500", async (_what, make) => {
  class Known extends Error {}
  await besideNeighbors(
    ({ app, recorder }) => {
      app.onError(Known, () => {
        throw make();
      });
      app.use("/before", () => {
        throw make();
      });
      app.use("/after", async (_, next) => {
        await next();
        throw make();
      });
      app.post("/known", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.with({ when: "always" }).addTask(() => recorder.add("known always"));
        throw new Known();
      });
      app.post("/before", () => ({}));
      app.post("/after", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add("success"));
        tasks.with({ when: "always" }).addTask(() => recorder.add("after always"));
      });
    },
    async ({ request, recorder }) => {
      for (const place of ["/known", "/before", "/after"]) {
        const { status, text } = await request("POST", place, { body: "" });
        expect({ place, status, text }).toEqual({ place, status: 500, text: "Internal Server Error" });
      }
      await recorder.when("known always");
      await recorder.when("after always");
      expect(recorder.has("success")).toBe(false);
    },
  );
});

test.each(thrown)(
  "%s from the producer of a stream breaks the connection, and its tasks are told",
  async (_what, make) => {
    await besideNeighbors(
      ({ app, recorder }) => {
        const producer = async function* (): AsyncGenerator<string> {
          yield "first";
          throw make();
        };
        for (const [name, toResponse] of Object.entries({ stream, sse, jsonLines }))
          app.post(`/${name}`, { tasks: BackgroundTasks }, ({ tasks }) => {
            tasks.addTask(() => recorder.add("success"));
            tasks.with({ when: "always" }).addTask(() => recorder.add(`${name} always`));
            return toResponse(producer());
          });
      },
      async ({ port, recorder, reported }) => {
        for (const name of ["stream", "sse", "jsonLines"]) {
          const { socket, exchange, closed } = await openRaw(port);
          exchange.response.catch(() => {});
          socket.write(`POST /${name} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`);
          await within(closed, 5_000, "the connection to break");
          await expect(exchange.response).rejects.toThrow("ended before the response did");
          expect(exchange.bodySoFar).not.toContain(secret);
          await recorder.when(`${name} always`);
        }
        expect(recorder.has("success")).toBe(false);
        expect(reported).toHaveLength(3);
      },
    );
  },
);

test.each(thrown)(
  "%s from a task or from clean-up after the answer is reported once, and the next ones run",
  async (_what, make) => {
    await besideNeighbors(
      ({ app, recorder }) => {
        const failing = dependency(function* () {
          yield;
          throw make();
        });
        const closed = dependency(function* () {
          yield;
          recorder.add("closed");
        });
        app.post("/", { closed, failing, tasks: BackgroundTasks }, ({ tasks }) => {
          tasks.addTask(() => {
            throw make();
          });
          tasks.addTask(async () => {
            throw make();
          });
          tasks.addTask(() => recorder.add("last"));
        });
      },
      async ({ request, recorder, reported }) => {
        expect((await request("POST", "/", { body: "" })).status).toBe(200);
        await recorder.when("closed");
        expect(recorder.count("last")).toBe(1);
        expect(reported).toHaveLength(3);
      },
    );
  },
);

test.each(thrown)("%s is printed by the default onError, whatever it is", async (_what, make) => {
  const app = new App({ background: {} satisfies BackgroundOptions });
  const ran: string[] = [];
  app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => {
      throw make();
    });
    tasks.addTask(() => ran.push("last"));
  });
  // As the console does, but for the output.
  printed.mockImplementation((...args: unknown[]) => void format(...args));
  const response = await app.fetch(new Request("http://x/", { method: "POST" }));
  expect(response.status).toBe(200);
  await response.text();
  await waitUntil(() => ran.length === 1);
  expect(printed).toHaveBeenCalledTimes(1);
  expect((await app.close()).ok).toBe(true);
});

describe("beside an open dependency", () => {
  const open = dependency(function* () {
    yield;
  });

  test('undefined from the clean-up of scope "function" fails the request', async () => {
    const app = new App();
    const commit = dependency({ scope: "function" }, {}, function* () {
      yield;
      throw undefined;
    });
    app.get("/", { commit }, () => ({}));
    expect((await app.fetch(new Request("http://x/"))).status).toBe(500);
  });

  test("a promise that never settles is a thrown value like others", async () => {
    const app = new App();
    app.get("/", { open }, () => {
      throw new Promise(() => {});
    });
    const response = await within(app.fetch(new Request("http://x/")) as Promise<Response>, 500, "the answer");
    expect(response.status).toBe(500);
  });

  test("an object whose then getter throws does not cost the request its tasks", async () => {
    const app = new App();
    const ran: string[] = [];
    app.get("/", { open, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ when: "always" }).addTask(() => ran.push("always"));
      throw Object.defineProperty({}, "then", {
        get() {
          throw new Error("then");
        },
      });
    });
    const response = await app.fetch(new Request("http://x/"));
    await response.text();
    await waitUntil(() => ran.length === 1, { withinMs: 500 });
  });
});
