/**
 * Afterword: endpoints, dependencies and background tasks for TypeScript servers.
 *
 * @packageDocumentation
 */

// The app
export { App } from "./app/app.ts";
export type { AppOptions } from "./app/app-options.ts";
export type { FetchHandler, MountTarget } from "./app/build-hono.ts";
export type { ErrorClass, ErrorHandler } from "./app/error-handlers.ts";
export type { LifespanFunction } from "./app/lifespan.ts";
export type { DefineRoute, DefineRouteOn, RouteResult } from "./app/route-definition.ts";
export type { DescribedResponse } from "./openapi/described-response.ts";
export type {
  ContactInfo,
  DocumentRecord,
  LicenseInfo,
  OpenApiDocument,
  ServerInfo,
  TagInfo,
} from "./openapi/document.ts";
export type { RouteOptions } from "./app/route-options.ts";
export { Router, type RouterOptions } from "./app/router.ts";
export type { CloseOptions, ListenOptions, RunningServer } from "./app/serve.ts";

// Parameters
export * from "./params/index.ts";

// Security
export * from "./security/index.ts";

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
export { resolve } from "./dependencies/resolve.ts";

// Responses
export * from "./responses/index.ts";

// WebSockets
export type { DefineSocket, SocketOptions } from "./app/socket-definition.ts";
export { WebSocketClosedError, WebSocketException } from "./websocket/socket-errors.ts";
export type { CloseInfo } from "./websocket/transport.ts";
export { WebSocketConnection } from "./websocket/websocket-connection.ts";

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

// Named tasks
export { task, type AnyTask, type Task, type TaskRun } from "./tasks/task.ts";
export { remoteTask, type RemoteTask } from "./tasks/remote-task.ts";
export type {
  JobOptions,
  RemoteTaskOptions,
  RemoteWithOptions,
  TaskDefinitionOptions,
  WithOptions,
} from "./tasks/task-options.ts";
export type { HandleOf } from "./background/background-tasks.ts";
export type { JobHandle, JobInfo } from "./tasks/job-handle.ts";
export { exponential, type ExponentialOptions } from "./tasks/retry.ts";
export { chain, chord, group, type Flow, type FlowPart } from "./tasks/flow.ts";
export type { Call } from "./tasks/call.ts";
export type { ScheduleOptions } from "./tasks/schedule.ts";
export { taskRoutes, type TaskRoutesOptions } from "./app/task-routes.ts";
export type { TaskField } from "./app/task-view.ts";

// Brokers, clients and workers
export { memory, type MemoryOptions } from "./brokers/memory/index.ts";
export { sqlite, type SqliteOptions } from "./brokers/sqlite/index.ts";
export { Client, type ClientOptions } from "./tasks/client.ts";
export { Worker, type WorkerReport } from "./worker/worker.ts";
export type { ThreadOptions } from "./worker/threads/thread-options.ts";
export type { WorkerOptions, WorkerSettings } from "./worker/worker-options.ts";
export type { JobReport } from "./background/job-report.ts";
export type * from "./tasks/broker.ts";
export type * from "./tasks/job.ts";
export type { Ending } from "./tasks/ending.ts";
export type { Delivery, Execute } from "./tasks/delivery.ts";

// What node:diagnostics_channel tells
export type { RequestMessage, TaskMessage } from "./background/task-channels.ts";
export type { DeliveryMessage, JobMessage, StoreMessage } from "./tasks/job-channels.ts";

// Logs
export type { LoggerLike } from "./internal/log.ts";

// Errors
export { JobError } from "./tasks/job-error.ts";
export { StoreError } from "./tasks/store-error.ts";
export { HTTPException } from "./internal/http-exception.ts";
export { AfterwordError } from "./internal/afterword-error.ts";
export { TooManyTasksError } from "./background/too-many-tasks-error.ts";
export { ValidationError } from "./app/validation-error.ts";
export type { Problem } from "./dependencies/problem.ts";
