import {
  Inject,
  Module,
  Scope,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from "@nestjs/common";
import { DiscoveryModule, DiscoveryService, HttpAdapterHost, ModuleRef, REQUEST } from "@nestjs/core";
import { BackgroundTasks } from "../../background/background-tasks.ts";
import type { Client } from "../../tasks/client.ts";
import { AdapterHost } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { attach } from "./attach.ts";
import { BackgroundTasksControl } from "./background-tasks-control.ts";
import { watchController } from "./failure-interceptor.ts";
import { exchangeOf } from "./nest-exchange.ts";
import { addModule } from "./provider.ts";
import { watchHandlers } from "./watched-handlers.ts";

/** Options that are made of other providers. */
export interface BackgroundTasksAsyncOptions {
  /** The modules that export what `inject` names. */
  readonly imports?: ModuleMetadata["imports"];
  /** What `useFactory` is called with. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Makes the options. */
  // What is injected is known to Nest only.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly useFactory: (...injected: any[]) => BackgroundTasksOptions | Promise<BackgroundTasksOptions>;
}

/**
 * Gives the requests of a Nest app their `BackgroundTasks`: by `@Tasks()` in a handler, or injected wherever a request-scoped
 * provider may be. They start when the response has left or the client has gone. A response with named tasks is held
 * back until these are stored, and is a 503 if they are not. `app.close()`, and signals after `app.enableShutdownHooks()`,
 * wait for them within `background.drainTimeout`, before the shutdown hooks of other modules.
 *
 * It is global: import it once, into the root module.
 *
 * @example
 * ```ts
 * import { Controller, Injectable, Module, Post } from "@nestjs/common";
 * import { BackgroundTasks, sqlite } from "afterword";
 * import { BackgroundTasksModule } from "afterword/nest";
 *
 * @Injectable()
 * class Users {
 *   constructor(private readonly tasks: BackgroundTasks) {}
 *
 *   create() {
 *     this.tasks.addTask(console.log, "after the response");
 *   }
 * }
 *
 * @Controller("users")
 * class UsersController {
 *   constructor(private readonly users: Users) {}
 *
 *   @Post()
 *   create() {
 *     this.users.create();
 *     return { message: "You will get a mail" };
 *   }
 * }
 *
 * @Module({
 *   imports: [BackgroundTasksModule.forRoot({ broker: sqlite("tasks.db") })],
 *   controllers: [UsersController],
 *   providers: [Users],
 * })
 * export class AppModule {}
 * ```
 */
export class BackgroundTasksModule
  implements NestModule, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #host: AdapterHost;
  readonly #engine: HttpAdapterHost;
  readonly #module: ModuleRef;
  readonly #discovery: DiscoveryService;
  #isServing = false;

  constructor(host: AdapterHost, engine: HttpAdapterHost, module: ModuleRef, discovery: DiscoveryService) {
    this.#host = host;
    this.#engine = engine;
    this.#module = module;
    this.#discovery = discovery;
  }

  /** @throws {DeclarationError} for an unknown option or a wrong value, when the app is created */
  static forRoot(options: BackgroundTasksOptions = {}): DynamicModule {
    return toModule({ provide: AdapterHost, useFactory: () => toHost("forRoot", options) });
  }

  /** The same, with options that are made of other providers: of a `ConfigService`, for instance. */
  static forRootAsync({ imports, inject, useFactory }: BackgroundTasksAsyncOptions): DynamicModule {
    const host: Provider = {
      provide: AdapterHost,
      useFactory: async (...injected: unknown[]) => toHost("forRootAsync", await useFactory(...injected)),
      ...(inject && { inject }),
    };
    return toModule(host, imports);
  }

  /** Nest calls it when an app with a server registers its middleware. */
  configure(): void {
    attach(this.#engine.httpAdapter, this.#host);
    // Those that are made anew for each request may be because of its tasks.
    for (const controller of this.#discovery.getControllers()) {
      if (!controller.metatype) continue;
      if (controller.isDependencyTreeStatic()) watchHandlers(controller.metatype as Type);
      else watchController(controller.metatype);
    }
    this.#isServing = true;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#host.open();
    addModule(this.#host.background.jobStore as Client, this.#module);
  }

  /** Without a server there is nothing to wait for. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.#isServing) await this.#host.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#host.close();
  }
}

Inject(AdapterHost)(BackgroundTasksModule, undefined, 0);
Inject(HttpAdapterHost)(BackgroundTasksModule, undefined, 1);
Inject(ModuleRef)(BackgroundTasksModule, undefined, 2);
Inject(DiscoveryService)(BackgroundTasksModule, undefined, 3);
Module({})(BackgroundTasksModule);

function toHost(method: string, options: BackgroundTasksOptions): AdapterHost {
  return new AdapterHost(`BackgroundTasksModule.${method}()`, options);
}

function toModule(host: Provider, imports: NonNullable<ModuleMetadata["imports"]> = []): DynamicModule {
  return {
    module: BackgroundTasksModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      host,
      { provide: BackgroundTasksControl, useExisting: AdapterHost },
      {
        provide: BackgroundTasks,
        scope: Scope.REQUEST,
        inject: [REQUEST],
        useFactory: (request: unknown) => exchangeOf(request).list,
      },
    ],
    exports: [BackgroundTasks, BackgroundTasksControl],
  };
}
