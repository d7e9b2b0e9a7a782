import { Server } from "node:net";
import { assertNotInTaskThread } from "../../background/task-thread.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";

/** Modules that could not be imported fail for as long as the thread lives. */
export class ImportError extends AfterwordError {
  constructor(task: string, module: string, cause: unknown) {
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : formatValue(cause);
    super("thread_import_failed", `A worker thread could not import ${module}, the module of task "${task}": ${what}`, {
      cause,
    });
  }
}

/**
 * Imports the module that defines a task: the first time, it is run.
 *
 * @throws {ImportError} when it throws, cannot be found or read, or starts something that only a program of its own may start
 */
export async function importModule(task: string, module: string): Promise<void> {
  try {
    await import(module);
  } catch (error) {
    throw new ImportError(task, module, error);
  }
}

/** From now on, outside of jobs, no server of this thread may listen: it would be another one of the program's server in each thread. */
export function refuseServers(): void {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...args: never[]): Server {
    assertNotInTaskThread("listen() of a server");
    return Reflect.apply(listen, this, args) as Server;
  } as typeof listen;
}
