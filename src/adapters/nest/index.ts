/**
 * Background tasks for Nest 12, on Express and on Fastify.
 *
 * @packageDocumentation
 */
export type { BackgroundTasksOptions } from "../core/adapter-options.ts";
export { BackgroundTasksControl } from "./background-tasks-control.ts";
export { BackgroundTasksModule, type BackgroundTasksAsyncOptions } from "./background-tasks-module.ts";
export { provider } from "./provider.ts";
export { Tasks } from "./tasks.ts";
