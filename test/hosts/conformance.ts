import { expect } from "vitest";
import { runPortableHalf } from "./host-program.ts";

/**
 * Runs the portable half of the suite and expects it to pass, except for what the runtime is known not to keep.
 *
 * @param pool - in what vitest runs its tests there: processes, or threads where processes have no channel that it could use
 * @param exceptions - what cannot be kept, by a part of its name: why. docs/guide/frameworks/fetch.md says so too
 */
export async function expectConformance(
  program: string,
  args: readonly string[],
  pool: "forks" | "threads",
  exceptions: Readonly<Record<string, string>>,
): Promise<void> {
  const { passed, failed } = await runPortableHalf(program, args, pool);
  const isExcepted = (name: string): boolean => Object.keys(exceptions).some((part) => name.includes(part));
  expect(failed.filter(({ name }) => !isExcepted(name))).toEqual([]);
  // All cases, plain and named, on memory and on SQLite, through app.fetch, the fetch adapter and Hono.
  const parts = [
    "over memory 1 ",
    "over memory 15 ",
    "over memory, memory 30 ",
    "over memory, sqlite 30 ",
    "in fetch 1 ",
    "named tasks in fetch 30 ",
    "the promise in fetch 33 ",
    "resolve in fetch 23 ",
    "in hono without a socket 30 ",
  ];
  expect(parts.filter((part) => !passed.some((name) => name.includes(part)))).toEqual([]);
  expect(passed.length).toBeGreaterThan(250);
}
