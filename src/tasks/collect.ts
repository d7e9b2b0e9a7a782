import { TaskDefinition } from "./task-definition.ts";
import { toJobConfig } from "./task-options.ts";

/** The name of the task that ends a group: a job that waits for all parts, and results in their results. */
export const collectName = "afterword.collect";

/** Every worker knows it, and it is stored like any other. */
export const collect: TaskDefinition = new TaskDefinition(
  collectName,
  (results: unknown[]) => results,
  toJobConfig(collectName, {}),
  undefined,
);
