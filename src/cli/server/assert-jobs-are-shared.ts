import type { App } from "../../app/app.ts";
import { allTasks } from "../../tasks/registry.ts";
import { CliError } from "../cli-error.ts";

/**
 * Named tasks that each process keeps in a memory of its own are a trap: their status can only be asked for where they were
 * added, and their limits, unique keys and schedules hold within one process only.
 *
 * @throws {CliError} when several processes serve an app that has some
 */
export function assertJobsAreShared(app: App, file: string, processes: number): void {
  if (processes === 1 || app.broker.isDurable) return;
  const names = allTasks()
    .map(({ name }) => name)
    .filter((name) => !name.startsWith("afterword."));
  if (names.length === 0) return;
  throw new CliError(
    `${file} defines named tasks (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}) and keeps its jobs in memory, where each of ${processes} processes would have its own and know nothing of the others'. Give the app a broker that they share, such as new App({ broker: sqlite("tasks.db") }), or set AFTERWORD_BROKER=sqlite:tasks.db, or serve it with --workers 1.`,
  );
}
