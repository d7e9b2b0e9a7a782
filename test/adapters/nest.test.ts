// What is Nest's own: modules, scopes, guards, filters, the order of shutdown, on both engines.
import {
  Catch,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Req,
  Res,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type ModuleMetadata,
  type NestInterceptor,
} from "@nestjs/common";
import { APP_FILTER, HttpAdapterHost, NestFactory, Reflector } from "@nestjs/core";
import {
  AfterwordError,
  BackgroundTasks,
  dependency,
  header,
  HTTPException,
  memory,
  query,
  resolve,
  task,
} from "afterword";
import { BackgroundTasksControl, BackgroundTasksModule, provider, Tasks } from "afterword/nest";
import { map, of, throwError, type Observable } from "rxjs";
import * as z from "zod";
import { describe, expect, onTestFinished, test } from "vitest";
import { rigged } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns } from "../support/wait-until.ts";
import { createApp, engines, listen, route } from "./nest.ts";

keepTidy();

const quiet = { background: { onError: () => {} } };

/** A controller whose handler is given the tasks and the request. */
function controllerOf(answer: (tasks: BackgroundTasks, request: object) => unknown) {
  class ItemsController {
    answer(tasks: BackgroundTasks, request: object): unknown {
      return answer(tasks, request);
    }
  }
  Tasks()(ItemsController.prototype, "answer", 0);
  Req()(ItemsController.prototype, "answer", 1);
  route(ItemsController);
  return ItemsController;
}

function useFilter(...caught: (abstract new (...args: never[]) => object)[]): ModuleMetadata["providers"] {
  class EverythingIsFine implements ExceptionFilter {
    readonly #engine: HttpAdapterHost;

    constructor(engine: HttpAdapterHost) {
      this.#engine = engine;
    }

    catch(_error: unknown, host: ArgumentsHost): void {
      this.#engine.httpAdapter.reply(host.switchToHttp().getResponse(), "by the filter", 200);
    }
  }
  Inject(HttpAdapterHost)(EverythingIsFine, undefined, 0);
  Catch(...caught)(EverythingIsFine);
  return [{ provide: APP_FILTER, useClass: EverythingIsFine }];
}

describe.each(Object.keys(engines) as (keyof typeof engines)[])("Nest on %s", (engine) => {
  test("drops the tasks of a handler that throws, whatever a filter answers", async () => {
    const recorder = new Recorder();
    const app = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot(quiet)],
      providers: useFilter()!,
      controllers: [
        controllerOf((tasks) => {
          for (const when of ["success", "error"] as const) tasks.with({ when }).addTask(() => recorder.add(when));
          throw new Error("broken");
        }),
      ],
    });
    const { session } = await listen(app);
    expect(await session.request("GET", "/items/1")).toMatchObject({ status: 200, text: "by the filter" });
    await session.finish();
    expect(recorder.events).toEqual(["error"]);
  });

  test("tells a handler that fails from one that answers with an error", async () => {
    const recorder = new Recorder();
    class Failing implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        const { url } = context.switchToHttp().getRequest<{ url: string }>();
        return url.endsWith("/3") ? next.handle().pipe(map(() => JSON.parse("{"))) : next.handle();
      }
    }
    class ItemsController {
      answer(tasks: BackgroundTasks, { url }: { url: string }, response: { status(code: number): unknown }): unknown {
        for (const when of ["success", "error"] as const)
          tasks.with({ when }).addTask(() => recorder.add(`${url} ${when}`));
        if (url.endsWith("/1")) response.status(404);
        return url.endsWith("/2") ? throwError(() => new Error("broken")) : of("an answer");
      }
    }
    Tasks()(ItemsController.prototype, "answer", 0);
    Req()(ItemsController.prototype, "answer", 1);
    Res({ passthrough: true })(ItemsController.prototype, "answer", 2);
    route(ItemsController);
    UseInterceptors(Failing)(ItemsController);
    const app = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot(quiet)],
      controllers: [ItemsController],
    });
    const { session } = await listen(app);
    const statuses: number[] = [];
    for (const id of [1, 2, 3, 4]) statuses.push((await session.request("GET", `/items/${id}`)).status);
    await session.finish();
    expect(statuses).toEqual([404, 500, 500, 200]);
    expect(recorder.events).toEqual(["/items/1 success", "/items/2 error", "/items/3 error", "/items/4 success"]);
  });

  test("leaves a handler the metadata that decorators have given it", async () => {
    const seen: unknown[] = [];
    class Reading implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const handler = context.getHandler();
        seen.push(new Reflector().get("role", handler), handler.name, handler.length);
        return true;
      }
    }
    const controller = controllerOf(() => "ok");
    const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, "answer")!;
    SetMetadata("role", "admin")(controller.prototype, "answer", descriptor);
    UseGuards(Reading)(controller);
    const app = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot()],
      controllers: [controller],
    });
    const { session } = await listen(app);
    expect((await session.request("GET", "/items/1")).text).toBe("ok");
    expect(seen).toEqual(["admin", "answer", 2]);
  });

  test("drops the tasks of a request that a guard refuses", async () => {
    const recorder = new Recorder();
    class Refusing implements CanActivate {
      readonly #tasks: BackgroundTasks;

      constructor(tasks: BackgroundTasks) {
        this.#tasks = tasks;
      }

      canActivate(context: ExecutionContext): boolean {
        for (const when of ["success", "error"] as const) this.#tasks.with({ when }).addTask(() => recorder.add(when));
        const { url } = context.switchToHttp().getRequest<{ url: string }>();
        if (url.endsWith("/2")) throw new ForbiddenException();
        return true;
      }
    }
    Inject(BackgroundTasks)(Refusing, undefined, 0);
    Injectable()(Refusing);
    const controller = controllerOf((tasks) => {
      tasks.addTask(() => recorder.add("handler"));
      return "ok";
    });
    UseGuards(Refusing)(controller);
    const app = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot(quiet)],
      controllers: [controller],
    });
    const { session } = await listen(app);
    expect((await session.request("GET", "/items/2")).status).toBe(403);
    await recorder.when("error");
    expect((await session.request("GET", "/items/1")).text).toBe("ok");
    await session.finish();
    expect(recorder.events).toEqual(["error", "success", "handler"]);
  });

  test("shows Afterword's errors to exception filters as Nest's, and answers them as an app of its own would", async () => {
    const page = dependency({ page: query(z.int()) }, ({ page: value }) => value);
    const controller = controllerOf(async (_tasks, request) => {
      if ((await resolve(request, page)) > 9) throw new HTTPException(404, "No such page", { "x-pages": "9" });
      return "a page";
    });
    const imports = [BackgroundTasksModule.forRoot()];
    const plain = await listen(await createApp(engine, { imports, controllers: [controller] }));
    const invalid = await plain.session.request("GET", "/items/1?page=x");
    expect([invalid.status, JSON.parse(invalid.text)]).toMatchObject([422, { detail: [{ loc: ["query", "page"] }] }]);
    const missing = await plain.session.request("GET", "/items/1?page=10");
    expect(missing).toMatchObject({ status: 404, text: '{"detail":"No such page"}' });
    expect(missing.headers.get("x-pages")).toBe("9");
    expect((await plain.session.request("GET", "/items/1?page=1")).text).toBe("a page");

    const filtered = await listen(
      await createApp(engine, { imports, controllers: [controller], providers: useFilter(HttpException)! }),
    );
    expect((await filtered.session.request("GET", "/items/1?page=10")).text).toBe("by the filter");
    expect((await filtered.session.request("GET", "/items/1?page=x")).text).toBe("by the filter");
  });

  test("lets a guard refuse by a dependency", async () => {
    const user = dependency({ authorization: header() }, ({ authorization }) => {
      if (authorization === undefined) throw new HTTPException(401, "Who are you?", { "www-authenticate": "Bearer" });
      return authorization;
    });
    class SignedIn implements CanActivate {
      async canActivate(context: ExecutionContext): Promise<boolean> {
        return (await resolve(context.switchToHttp().getRequest<object>(), user)) !== "";
      }
    }
    Injectable()(SignedIn);
    const controller = controllerOf((_tasks, request) => resolve(request, user));
    UseGuards(SignedIn)(controller);
    const { session } = await listen(
      await createApp(engine, { imports: [BackgroundTasksModule.forRoot()], controllers: [controller] }),
    );
    const refused = await session.request("GET", "/items/1");
    expect(refused).toMatchObject({ status: 401, text: '{"detail":"Who are you?"}' });
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    const headers = { authorization: "Bearer ada" };
    expect((await session.request("GET", "/items/1", { headers })).text).toBe("Bearer ada");
  });

  test("goes by the status where a handler has no list of its own", async () => {
    const recorder = new Recorder();
    const transaction = dependency({ tasks: BackgroundTasks }, function* begin({ tasks }) {
      for (const when of ["success", "error"] as const) tasks.with({ when }).addTask(() => recorder.add(when));
      try {
        yield;
        recorder.add("commit");
      } catch {
        recorder.add("rollback");
        throw new Error("rolled back");
      }
    });
    class ItemsController {
      async answer(request: { url: string }): Promise<string> {
        await resolve(request, transaction);
        if (request.url.endsWith("/2")) throw new NotFoundException();
        return "found";
      }
    }
    Req()(ItemsController.prototype, "answer", 0);
    route(ItemsController);
    const { session } = await listen(
      await createApp(engine, { imports: [BackgroundTasksModule.forRoot(quiet)], controllers: [ItemsController] }),
    );
    expect((await session.request("GET", "/items/2")).status).toBe(404);
    await recorder.when("error");
    expect((await session.request("GET", "/items/1")).text).toBe("found");
    await session.finish();
    expect(recorder.events).toEqual(["rollback", "error", "success", "commit"]);
  });

  test("lets a handler make something else of what a dependency has thrown", async () => {
    const busy = dependency(() => {
      throw new HTTPException(503, "busy", { "retry-after": "1" });
    });
    const { session } = await listen(
      await createApp(engine, {
        imports: [BackgroundTasksModule.forRoot()],
        controllers: [controllerOf((_tasks, request) => resolve(request, busy).catch(() => "another value"))],
      }),
    );
    const answer = await session.request("GET", "/items/1");
    expect(answer).toMatchObject({ status: 200, text: "another value" });
    expect(answer.headers.has("retry-after")).toBe(false);
  });

  test("gives a job the providers of the app, and options may come from them", async () => {
    class Config {
      readonly broker = rigged(memory());
    }
    class ConfigModule {}
    Module({ providers: [Config], exports: [Config] })(ConfigModule);
    class Mailer {
      readonly sent: string[] = [];
    }
    const send = task(`nest.send on ${engine}`, {}, { mailer: provider(Mailer) }, ({ mailer }, to: string) => {
      mailer.sent.push(to);
      return mailer.sent.length;
    });
    let sending: ReturnType<(typeof send)["enqueue"]> | undefined;
    const app = await createApp(engine, {
      imports: [
        BackgroundTasksModule.forRootAsync({
          imports: [ConfigModule],
          inject: [Config],
          useFactory: async ({ broker }: Config) => ({ broker }),
        }),
        ConfigModule,
      ],
      providers: [Mailer],
      controllers: [
        controllerOf((_tasks) => {
          sending = send.enqueue("ada@example.com");
          return sending.then(({ id }) => id);
        }),
      ],
    });
    const { session } = await listen(app);
    expect((await session.request("POST", "/items/1")).status).toBe(200);
    const job = await sending!;
    expect(await job.result({ timeout: "5s" })).toBe(1);
    expect(app.get(Config).broker.batches).toHaveLength(1);
    expect(app.get(Mailer).sent).toEqual(["ada@example.com"]);
  });

  test("drains before other modules shut down", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    class Database {
      onApplicationShutdown(): void {
        recorder.add("database closes");
      }
    }
    const app = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot()],
      providers: [Database],
      controllers: [
        controllerOf((tasks) => {
          tasks.addTask(async () => {
            recorder.add("task starts");
            await gate.opened;
            recorder.add("task ends");
          });
          return "ok";
        }),
      ],
    });
    const { session, close } = await listen(app);
    await session.request("GET", "/items/1");
    await recorder.when("task starts");
    const closing = close();
    await turns(20);
    gate.open();
    expect(await closing).toMatchObject({ ok: true });
    expect(recorder.events).toEqual(["task starts", "task ends", "database closes"]);
  });

  test("says what is wrong with its options when the app is created", async () => {
    const imports = [BackgroundTasksModule.forRoot({ concurrency: 5 } as never)];
    await expect(createApp(engine, { imports })).rejects.toThrow(/forRoot\(\) has no option "concurrency"/);
    const twice = await createApp(engine, {
      imports: [BackgroundTasksModule.forRoot(), BackgroundTasksModule.forRoot({ worker: false })],
    });
    await expect(twice.init()).rejects.toThrow(/imported once/);
  });

  test("says what it expects when the module is not imported", async () => {
    const errors: unknown[] = [];
    class Telling implements ExceptionFilter {
      catch(error: unknown, host: ArgumentsHost): void {
        errors.push(error);
        app.getHttpAdapter().reply(host.switchToHttp().getResponse(), "told", 500);
      }
    }
    Catch()(Telling);
    const app = await createApp(engine, {
      providers: [{ provide: APP_FILTER, useClass: Telling }],
      controllers: [controllerOf(() => "never")],
    });
    onTestFinished(() => app.close());
    await app.listen(0, "127.0.0.1");
    expect((await fetch(`${await app.getUrl()}/items/1`)).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: "no_exchange" })]);
  });
});

test("an application without a server runs jobs, and drains before other modules shut down", async () => {
  const recorder = new Recorder();
  const gate = createGate();
  class Database {
    onApplicationShutdown(): void {
      recorder.add("database closes");
    }
  }
  const work = task("nest.work", {}, { database: provider(Database) }, async ({ database }) => {
    recorder.add(database instanceof Database ? "job starts" : "no database");
    await gate.opened;
    recorder.add("job ends");
  });
  class WorkerModule {}
  Module({ imports: [BackgroundTasksModule.forRoot()], providers: [Database] })(WorkerModule);
  const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
  await work.enqueue();
  await recorder.when("job starts");
  const closing = app.close();
  await turns(20);
  gate.open();
  await closing;
  expect(await app.get(BackgroundTasksControl).close()).toMatchObject({ ok: true });
  expect(recorder.events).toEqual(["job starts", "job ends", "database closes"]);
});

test("provider says what it expects where no Nest app is open", async () => {
  class Mailer {}
  const send = task("nest.homeless", {}, { mailer: provider(Mailer) }, async () => {});
  await expect(send()).rejects.toThrow(AfterwordError);
});
