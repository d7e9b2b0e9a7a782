import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from "@nestjs/common";
import type { Observable } from "rxjs";
import { resolverKey } from "../../dependencies/resolve.ts";
import type { Requested } from "./nest-exchange.ts";

/**
 * Sees the errors of handlers, pipes and inner interceptors before the exception filters make answers of them. Interceptors are the
 * costliest thing in Nest's path, so it is put only on controllers that are made anew for each request, which costs more still.
 */
class FailureInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const exchange =
      context.getType() === "http" ? context.switchToHttp().getRequest<Requested>()[resolverKey] : undefined;
    if (exchange === undefined) return next.handle();
    return exchange.watchHandler(() => next.handle()) as Observable<unknown>;
  }
}

const seen = new WeakSet<object>();

/** Puts it on all handlers of a controller. */
export function watchController(controller: Parameters<ClassDecorator>[0]): void {
  if (seen.has(controller)) return;
  seen.add(controller);
  UseInterceptors(new FailureInterceptor())(controller);
}
