import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from "@nestjs/common";
import { catchError, from, mergeMap, throwError, type Observable } from "rxjs";
import { resolverKey } from "../../dependencies/resolve.ts";
import type { Requested } from "./nest-exchange.ts";

/**
 * Sees the errors of handlers, pipes and inner interceptors before the exception filters make answers of them. Interceptors are the
 * costliest thing in Nest's path, so it is put only where the tasks of a request are asked for.
 */
export class FailureInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const exchange =
      context.getType() === "http" ? context.switchToHttp().getRequest<Requested>()[resolverKey] : undefined;
    if (exchange === undefined) return next.handle();
    exchange.isWatched = true;
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          from(exchange.refuseHandler(error)).pipe(mergeMap((cause) => throwError(() => cause))),
        ),
      );
  }
}

const seen = new WeakSet<object>();

/** Puts it on all handlers of a controller. */
export function watchController(controller: Parameters<ClassDecorator>[0]): void {
  if (seen.has(controller)) return;
  seen.add(controller);
  UseInterceptors(new FailureInterceptor())(controller);
}

/** Puts it on one handler. */
export function watchHandler(prototype: object, name: string | symbol): void {
  UseInterceptors(FailureInterceptor)(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
}
