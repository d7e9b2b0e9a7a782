import type { Overrides } from "../../app/overrides.ts";
import type { Background } from "../../background/background.ts";
import type { CloseReport } from "../../background/close-report.ts";
import type { BackgroundTasksControl as Control } from "../core/adapter-host.ts";

/**
 * The background tasks of a Nest app, to be injected wherever somebody listens to their events, overrides dependencies in
 * tests, or closes them before the app does.
 *
 * @example
 * ```ts
 * import { Injectable } from "@nestjs/common";
 * import { BackgroundTasksControl } from "afterword/nest";
 *
 * @Injectable()
 * export class TaskMetrics {
 *   failed = 0;
 *
 *   constructor(control: BackgroundTasksControl) {
 *     control.background.on("failed", () => this.failed++);
 *   }
 * }
 * ```
 */
export abstract class BackgroundTasksControl implements Control {
  /** An emitter of `started`, `succeeded`, `failed`, `canceled`, `dropped` and `lost`. */
  abstract readonly background: Background;
  /** Dependencies that others stand in for, in tests. */
  abstract readonly overrides: Overrides;
  /** Opens the broker and starts the worker. Nest does it by itself, when all modules are initialized. */
  abstract open(): Promise<this>;
  /** Waits for tasks and jobs. `app.close()` does it by itself; after that, this gives its report. */
  abstract close(): Promise<CloseReport>;
  abstract [Symbol.asyncDispose](): Promise<void>;
}
