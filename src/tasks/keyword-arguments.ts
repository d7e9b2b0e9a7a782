import type { JobConfig } from "./task-options.ts";

/** The arguments of a job as they travel: keyword arguments are one object behind the others. */
export function withKwargs(args: readonly unknown[], { kwargs }: JobConfig): readonly unknown[] {
  if (kwargs === undefined || Object.values(kwargs).every((value) => value === undefined)) return args;
  // Optional parameters that were given as undefined are as good as absent.
  return [...args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1), kwargs];
}
