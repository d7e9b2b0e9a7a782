import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BackgroundTask } from "../background/background-task.ts";
import type { Dependency } from "../dependencies/dependency.ts";
import type { DescribedResponse } from "../openapi/described-response.ts";

/** What stands between the path and the parameters of a route. */
export interface RouteOptions<S extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /** The status of the response when the handler returns plain data. @defaultValue 200 */
  readonly status?: number;
  /**
   * The schema of the returned data: what it does not know is stripped, and data that does not fit is answered as 500.
   * A returned `Response` is not touched.
   */
  readonly response?: S;
  /** Solved before the parameters, for their effect. Those of the app and of the routers come first. */
  readonly dependencies?: readonly Dependency<unknown>[];
  /** A task that runs after every response of this route whose handler returned. */
  readonly background?: BackgroundTask;
  /** Groups of the route in the documentation. */
  readonly tags?: readonly string[];
  /** One line for the documentation. */
  readonly summary?: string;
  /** Markdown for the documentation. */
  readonly description?: string;
  /** Marks the route in the documentation. */
  readonly deprecated?: boolean;
  /** The name of the operation for generated clients. */
  readonly operationId?: string;
  /** Whether the documentation shows the route. @defaultValue true */
  readonly includeInSchema?: boolean;
  /**
   * Answers for the documentation beside those that follow from the declarations: a sentence, or an object with
   * `description`, `schema`, `contentType`, `example` and `headers`, by status. What is said of the route's own status is
   * added to what is known of it.
   */
  readonly responses?: Readonly<Record<number, string | DescribedResponse>>;
}

/** The names of {@link RouteOptions}, for the check at definition. */
export const routeOptionNames: ReadonlySet<string> = new Set<keyof RouteOptions>([
  "status",
  "response",
  "dependencies",
  "background",
  "tags",
  "summary",
  "description",
  "deprecated",
  "operationId",
  "includeInSchema",
  "responses",
]);
