/**
 * Afterword: endpoints, dependencies and background tasks for TypeScript servers.
 *
 * @packageDocumentation
 */

// The app
export { App } from "./app/app.ts";
export type { AppOptions } from "./app/app-options.ts";
export type { FetchHandler } from "./app/build-hono.ts";
export type { ErrorClass, ErrorHandler } from "./app/error-handlers.ts";
export type { LifespanFunction } from "./app/lifespan.ts";
export type { DefineRoute, DefineRouteOn, RouteResult } from "./app/route-definition.ts";
export type { RouteOptions } from "./app/route-options.ts";
export { Router, type RouterOptions } from "./app/router.ts";
export type { ListenOptions, RunningServer } from "./app/serve.ts";

// Parameters
export * from "./params/index.ts";

// Dependencies
export {
  dependency,
  type Dependency,
  type DependencyOptions,
  type DependencyValue,
  type Params,
  type ValueOf,
  type ValuesOf,
} from "./dependencies/dependency.ts";

// Responses
export * from "./responses/index.ts";

// Background tasks
export { BackgroundTask, type TaskArguments, type TaskFunction } from "./background/background-task.ts";
export { BackgroundTasks, type TaskOptions } from "./background/background-tasks.ts";
export type { TaskHandle } from "./background/added-task.ts";
export type { Background } from "./background/background.ts";
export type { BackgroundEvents, TaskEvent, TaskReport } from "./background/background-events.ts";
export type { BackgroundOptions } from "./background/background-options.ts";
export type { CloseReport, LostTask } from "./background/close-report.ts";
export { currentTask, type CurrentTask } from "./background/current-task.ts";
export type { Outcome, Status } from "./background/outcome.ts";
export type { TaskRequest } from "./background/task-request.ts";

// Errors
export { HTTPException } from "./internal/http-exception.ts";
export { AfterwordError } from "./internal/afterword-error.ts";
export { TooManyTasksError } from "./background/too-many-tasks-error.ts";
export { ValidationError } from "./app/validation-error.ts";
export type { Problem } from "./dependencies/problem.ts";
