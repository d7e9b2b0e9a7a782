import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BoundSource } from "../dependencies/source.ts";
import type { DescribedResponse } from "./described-response.ts";

/** What the document needs to know of a route. */
export interface DescribedRoute {
  /** In upper case. */
  readonly method: string;
  /** In Hono's syntax. */
  readonly path: string;
  /** Everything that its handler and its dependencies read from a request. */
  readonly sources: readonly BoundSource[];
  /** The handler's own name, empty without one. */
  readonly handlerName: string;
  readonly options: {
    readonly status?: number;
    readonly response?: StandardSchemaV1 | undefined;
    readonly responses?: Readonly<Record<number, string | DescribedResponse>>;
    readonly tags?: readonly string[];
    readonly summary?: string;
    readonly description?: string;
    readonly deprecated?: boolean;
    readonly operationId?: string;
    readonly includeInSchema?: boolean;
  };
}
