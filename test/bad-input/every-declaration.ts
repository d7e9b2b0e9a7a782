import {
  App,
  BackgroundTasks,
  HTTPException,
  Reply,
  body,
  cookie,
  dependency,
  file,
  files,
  form,
  header,
  path,
  query,
  stream,
} from "afterword";
import * as z from "zod";

/** What one request has left behind. Requests are told apart by their header `x-run`. */
export interface Trace {
  /** How often each of its tasks ran, by the number of the task. */
  readonly runs: number[];
  /** Which of them are to run whatever becomes of the request. */
  readonly always: boolean[];
  opened: number;
  closed: number;
  /** Whether the handler threw on purpose. */
  hasThrown: boolean;
}

/** An app with a declaration of every kind, and what its requests have done. */
export interface EveryDeclaration {
  readonly app: App;
  traceOf(run: string): Trace;
}

const small = { maxBytes: 20_000 };

export function createEveryDeclaration(): EveryDeclaration {
  const traces = new Map<string, Trace>();
  const traceOf = (run: string): Trace => {
    let trace = traces.get(run);
    if (!trace) traces.set(run, (trace = { runs: [], always: [], opened: 0, closed: 0, hasThrown: false }));
    return trace;
  };
  const add = (trace: Trace, tasks: BackgroundTasks, isAsync: boolean): void => {
    const always = trace.runs.length % 3 === 2;
    const number = trace.runs.push(0) - 1;
    trace.always.push(always);
    const list = always ? tasks.with({ when: "always" }) : tasks;
    if (isAsync)
      list.addTask(async () => {
        await Promise.resolve();
        trace.runs[number]!++;
      });
    else list.addTask(() => void trace.runs[number]!++);
  };

  const trace = dependency({ request: Request }, ({ request }) => traceOf(request.headers.get("x-run") ?? "none"));
  const plain = dependency(
    { trace, tasks: BackgroundTasks, limit: query(z.int().max(100).default(10)) },
    ({ trace, tasks, limit }) => {
      add(trace, tasks, false);
      return limit;
    },
  );
  const asynchronous = dependency(
    { trace, tasks: BackgroundTasks, token: header({ alias: "x-token" }) },
    async ({ trace, tasks, token }) => {
      await Promise.resolve();
      if (token === "refused") throw new HTTPException(401, "Refused", { "www-authenticate": "x" });
      add(trace, tasks, true);
      return token;
    },
  );
  const generator = dependency({ trace, plain, cookie: cookie({ alias: "session" }) }, function* ({ trace }) {
    trace.opened++;
    try {
      yield trace.opened;
    } finally {
      trace.closed++;
    }
  });
  const asyncGenerator = dependency(
    { trace, generator, sort: query(z.enum(["up", "down"]).optional()) },
    async function* ({ trace }) {
      await Promise.resolve();
      trace.opened++;
      try {
        yield trace.opened;
      } finally {
        await Promise.resolve();
        trace.closed++;
      }
    },
  );
  const early = dependency({ scope: "function" }, { trace, asynchronous }, function* ({ trace }) {
    trace.opened++;
    try {
      yield;
    } finally {
      trace.closed++;
    }
  });
  const asyncEarly = dependency({ scope: "function", cache: false }, { trace, early }, async function* ({ trace }) {
    trace.opened++;
    try {
      yield;
    } finally {
      await Promise.resolve();
      trace.closed++;
    }
  });
  const app = new App({
    maxBodyBytes: 10_000,
    dependencies: [
      dependency(
        { trace, id: header(z.string().max(200).optional(), { alias: "x-request-id" }) },
        ({ trace }) => trace,
      ),
    ],
    background: { concurrency: 2 },
  });

  const common = {
    trace,
    generator,
    asyncGenerator,
    early,
    asyncEarly,
    tasks: BackgroundTasks,
    signal: AbortSignal,
    reply: Reply,
  };
  const texts = {
    id: path(z.int()),
    tags: query(z.array(z.string().max(5)).max(3).default([])),
    flag: query(z.boolean().default(false)),
    ratio: header(z.number().optional()),
    list: header(z.array(z.int()).optional(), { alias: "x-list" }),
    session: cookie(z.string().min(2).optional(), { alias: "session" }),
  };
  const end = (trace: Trace, tasks: BackgroundTasks): void => {
    add(trace, tasks, true);
    add(trace, tasks, false);
  };
  const Answer = z.object({ ok: z.boolean(), tags: z.array(z.string()).optional() });

  app.on(
    ["GET", "DELETE", "OPTIONS"],
    "/texts/:id",
    { response: Answer },
    { ...texts, ...common },
    ({ trace, tasks, tags, reply }) => {
      end(trace, tasks);
      reply.headers.set("x-tags", String(tags.length));
      return { ok: true, tags, secret: 1 };
    },
  );
  app.on(
    ["POST", "PUT", "PATCH"],
    "/json/:id",
    { status: 201 },
    {
      ...texts,
      ...common,
      data: body(
        z.object({
          n: z.number(),
          s: z.string().optional(),
          nested: z.record(z.string(), z.array(z.int())).optional(),
        }),
      ),
    },
    async ({ trace, tasks, data }) => {
      await Promise.resolve();
      end(trace, tasks);
      return data;
    },
  );
  app.post("/any", { ...common, data: body({ maxBytes: 5_000 }) }, ({ trace, tasks, data }) => {
    end(trace, tasks);
    return data ?? null;
  });
  app.post(
    "/form/:part",
    {
      part: path(),
      ...common,
      data: form(z.looseObject({ name: z.string(), age: z.int().optional(), tags: z.array(z.string()).optional() })),
      photo: file({ optional: true, ...small }),
      papers: files({ optional: true, maxCount: 2, types: ["text/*", ".txt"], ...small }),
    },
    async ({ trace, tasks, data, photo, papers }) => {
      end(trace, tasks);
      return { data, photo: await photo?.text(), papers: papers.length };
    },
  );
  app.post("/upload", { ...common, photo: file(small) }, ({ trace, tasks, photo }) => {
    end(trace, tasks);
    return { name: photo.name, size: photo.size };
  });
  app.get("/stream/*", { ...common }, ({ trace, tasks }) => {
    end(trace, tasks);
    return stream(
      (async function* () {
        yield "first";
        yield "second";
      })(),
    );
  });
  app.on(["GET", "POST", "PURGE"], "/throws", { ...common }, ({ trace, tasks }) => {
    end(trace, tasks);
    trace.hasThrown = true;
    throw new Error("on purpose");
  });
  return { app, traceOf };
}
