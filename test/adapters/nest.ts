import { Readable } from "node:stream";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import {
  All,
  Controller,
  Inject,
  Injectable,
  Module,
  Req,
  Res,
  StreamableFile,
  type INestApplication,
  type ModuleMetadata,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { BackgroundTasks, type CloseReport } from "afterword";
import { BackgroundTasksControl, BackgroundTasksModule, Tasks, type BackgroundTasksOptions } from "afterword/nest";
import { openSocketSession } from "../support/hosts.ts";
import type { Framework, Handle, Opened, Said } from "./frameworks.ts";

// Node strips types and knows no decorators, so here they are called as the compiler would call them.

type Engine = "Express" | "Fastify";

const exceptions = { "32 a broker that is away": "a module that cannot be initialized keeps the app from starting" };

export const engines = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

/** Both of Nest's engines, each with both ways to the tasks. */
export const nestFrameworks: readonly Framework[] = (["Express", "Fastify"] as const).flatMap((engine) => [
  {
    name: `Nest on ${engine}, by injection`,
    exceptions,
    open: (handle: Handle, options?: BackgroundTasksOptions) => open(engine, options, injecting(handle)),
  },
  {
    name: `Nest on ${engine}, by @Tasks()`,
    exceptions,
    open: (handle: Handle, options?: BackgroundTasksOptions) => open(engine, options, decorated(handle)),
  },
]);

async function open(
  engine: Engine,
  options: BackgroundTasksOptions | undefined,
  metadata: ModuleMetadata,
): Promise<Opened> {
  return listen(await createApp(engine, { ...metadata, imports: [BackgroundTasksModule.forRoot(options)] }));
}

/** An app with one module, that prints nothing. */
export async function createApp(engine: Engine, metadata: ModuleMetadata): Promise<INestApplication> {
  class AppModule {}
  Module(metadata)(AppModule);
  return NestFactory.create(AppModule, engines[engine](), { logger: false, abortOnError: false });
}

export async function listen(app: INestApplication): Promise<Opened> {
  await app.listen(0, "127.0.0.1");
  const control = app.get(BackgroundTasksControl);
  const server = app.getHttpServer() as Server;
  let closing: Promise<CloseReport> | undefined;
  const close = (): Promise<CloseReport> =>
    (closing ??= (async () => {
      // Nest waits for connections that are kept alive, once they were busy when it began to close.
      const idle = setInterval(() => server.closeIdleConnections(), 10);
      await app.close();
      clearInterval(idle);
      return control.close();
    })());
  return { session: openSocketSession({ port: (server.address() as AddressInfo).port, close }), control, close };
}

interface Reply {
  status(code: number): unknown;
}

function toBody({ status = 200, body }: Said, reply: Reply): string | StreamableFile {
  reply.status(status);
  return typeof body === "string" ? body : new StreamableFile(Readable.from(body, { objectMode: false }));
}

/** A service that is injected with the tasks, and the controller that has it. */
function injecting(handle: Handle): ModuleMetadata {
  class Items {
    readonly tasks: BackgroundTasks;

    constructor(tasks: BackgroundTasks) {
      this.tasks = tasks;
    }
  }
  Injectable()(Items);
  Inject(BackgroundTasks)(Items, undefined, 0);

  class ItemsController {
    readonly items: Items;

    constructor(items: Items) {
      this.items = items;
    }

    async answer(request: object, reply: Reply): Promise<string | StreamableFile> {
      return toBody(await handle({ tasks: this.items.tasks, request }), reply);
    }
  }
  Inject(Items)(ItemsController, undefined, 0);
  Req()(ItemsController.prototype, "answer", 0);
  Res({ passthrough: true })(ItemsController.prototype, "answer", 1);
  route(ItemsController);
  return { controllers: [ItemsController], providers: [Items] };
}

/** A controller that stays a singleton. */
function decorated(handle: Handle): ModuleMetadata {
  class ItemsController {
    async answer(tasks: BackgroundTasks, request: object, reply: Reply): Promise<string | StreamableFile> {
      return toBody(await handle({ tasks, request }), reply);
    }
  }
  Tasks()(ItemsController.prototype, "answer", 0);
  Req()(ItemsController.prototype, "answer", 1);
  Res({ passthrough: true })(ItemsController.prototype, "answer", 2);
  route(ItemsController);
  return { controllers: [ItemsController] };
}

/** Makes `answer` the handler of `/items/:id`. */
export function route(controller: abstract new (...args: never[]) => { answer: unknown }): void {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, "answer")!;
  All("items/:id")(controller.prototype as object, "answer", descriptor);
  Controller()(controller);
}
