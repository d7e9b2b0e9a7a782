// Nest on Express for bench/adapters.ts. Decorators are called, since Node does not compile them.
import "reflect-metadata";
import type { Server, ServerResponse } from "node:http";
import {
  Controller,
  HttpCode,
  Module,
  Post,
  Res,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { BackgroundTasks } from "afterword";
import { BackgroundTasksModule, Tasks } from "afterword/nest";

/** An endpoint of the benchmark, and what it is measured with. */
export interface NestPeer {
  readonly isInstalled: boolean;
  readonly usesTasks: boolean;
  /** Whether its handler has an interceptor that does nothing, unless it has that of the adapter. */
  readonly hasInterceptor: boolean;
  readonly answer: object;
  readonly handled: (tasks: () => BackgroundTasks, response: () => ServerResponse) => void;
}

class Nothing implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): ReturnType<CallHandler["handle"]> {
    return next.handle();
  }
}

export async function createNest(peer: NestPeer): Promise<Server> {
  class Endpoint {
    send(response: ServerResponse, tasks: BackgroundTasks): object {
      peer.handled(
        () => tasks,
        () => response,
      );
      return peer.answer;
    }
  }
  const decorate = (decorator: MethodDecorator): unknown =>
    decorator(Endpoint.prototype, "send", Object.getOwnPropertyDescriptor(Endpoint.prototype, "send")!);
  decorate(Post());
  decorate(HttpCode(200));
  Res({ passthrough: true })(Endpoint.prototype, "send", 0);
  if (peer.usesTasks) Tasks()(Endpoint.prototype, "send", 1);
  else if (peer.hasInterceptor) decorate(UseInterceptors(new Nothing()));
  Controller()(Endpoint);

  // oxlint-disable-next-line typescript/no-extraneous-class -- a module is no more than what its decorator says
  class Root {}
  Module({ imports: peer.isInstalled ? [BackgroundTasksModule.forRoot()] : [], controllers: [Endpoint] })(Root);

  const app = await NestFactory.create(Root, { logger: false });
  if (!peer.isInstalled) app.use((_request: unknown, _response: unknown, next: () => void) => next());
  await app.init();
  return app.getHttpServer() as Server;
}
