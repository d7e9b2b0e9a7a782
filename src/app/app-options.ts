import type { BackgroundOptions } from "../background/background-options.ts";
import type { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { assertLogger, type LoggerLike } from "../internal/log.ts";
import type { Broker } from "../tasks/broker.ts";
import { assertBroker } from "../tasks/shared-broker.ts";
import { checkWorkerSettings, type WorkerSettings } from "../worker/worker-options.ts";
import type { DocumentInfo } from "../openapi/document.ts";
import type { App } from "./app.ts";
import { checkDocumentOptions } from "./document-options.ts";
import type { LifespanFunction } from "./lifespan.ts";
import { checkDependencies } from "./route-definition.ts";

/** What `new App()` takes. */
export interface AppOptions extends Partial<DocumentInfo> {
  /** The name of the API. @defaultValue `"Afterword"` */
  readonly title?: string;
  /** The version of the API. @defaultValue `"0.1.0"` */
  readonly version?: string;
  /** Where the OpenAPI document is; `false` for nowhere, and no documentation either. @defaultValue `"/openapi.json"` */
  readonly openapi?: string | false;
  /** Where Swagger UI shows the document; `false` for nowhere. @defaultValue `"/docs"` */
  readonly docs?: string | false;
  /** Where Redoc shows the document; `false` for nowhere. @defaultValue `"/redoc"` */
  readonly redoc?: string | false;
  /**
   * Runs around the life of the app: up to `yield` before the first request is served, the rest after the last background
   * task has ended. Once for each `listen`, or once before the first request where the host calls `app.fetch` itself.
   */
  readonly lifespan?: LifespanFunction<App>;
  /** Solved before those of routers and routes, for every route. */
  readonly dependencies?: readonly Dependency<unknown>[];
  /**
   * Where named tasks are stored: `sqlite("tasks.db")`, or another.
   *
   * @defaultValue what the environment variable `AFTERWORD_BROKER` names, such as `sqlite:tasks.db`; without it `memory()`,
   *   which lives and dies with the process
   */
  readonly broker?: Broker;
  /**
   * How this process runs the jobs of the broker; `false` if it does not. Embedded brokers (memory, SQLite) run them here
   * by default.
   */
  readonly worker?: WorkerSettings | false;
  /** How background tasks run. */
  readonly background?: BackgroundOptions;
  /**
   * Where everything is written that would go to stderr, with fields: tasks and jobs that failed, requests that were answered with
   * 500, trouble with the broker, what was lost at shutdown. pino, or what has its form; a `console` gets texts.
   *
   * @defaultValue stderr
   */
  readonly logger?: LoggerLike;
  /**
   * How many bytes of a request are read into memory: a JSON body, or all fields of a form together. More is answered
   * with 413. `body(schema, { maxBytes })` sets it for one body; files have limits of their own.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  readonly maxBodyBytes?: number;
}

const names: ReadonlySet<string> = new Set<keyof AppOptions>([
  "title",
  "version",
  "summary",
  "description",
  "termsOfService",
  "contact",
  "license",
  "servers",
  "tags",
  "openapi",
  "docs",
  "redoc",
  "lifespan",
  "dependencies",
  "background",
  "logger",
  "broker",
  "worker",
  "maxBodyBytes",
]);

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function checkAppOptions(options: AppOptions): void {
  for (const name of Object.keys(options)) {
    if (!names.has(name))
      throw new DeclarationError(`new App() has no option ${JSON.stringify(name)}. It has ${[...names].join(", ")}.`);
  }
  checkDocumentOptions(options);
  checkDependencies("new App()", options.dependencies);
  if (options.broker !== undefined) assertBroker(options.broker, "new App(): broker");
  if (options.worker !== undefined && options.worker !== false)
    checkWorkerSettings("new App(): worker", options.worker);
  if (options.logger !== undefined) assertLogger(options.logger, "new App(): logger");
  const { maxBodyBytes } = options;
  if (maxBodyBytes !== undefined && !(maxBodyBytes > 0))
    throw new DeclarationError(
      `new App(): maxBodyBytes must be a number of bytes above 0, but got ${formatValue(maxBodyBytes)}.`,
    );
}
