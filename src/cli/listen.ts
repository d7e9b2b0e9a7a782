import type { App } from "../app/app.ts";
import type { ListenOptions, RunningServer } from "../app/serve.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { CliError } from "./cli-error.ts";
import { describeError } from "./describe-error.ts";

/** Where a command serves, and for whom. */
export interface ServeOptions extends ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Whether a proxy in front of it says who asks. */
  readonly proxyHeaders: boolean;
}

/** Serves the app of a file; what goes wrong with that is explained in the words of the command line. */
export async function listen(app: App, file: string, options: ServeOptions): Promise<RunningServer> {
  try {
    return await app.listen(options);
  } catch (error) {
    if (!(error instanceof AfterwordError && error.code === "address_in_use"))
      throw new CliError(`${describeError(error)}\n\nThe app of ${file} could not start: see above.`);
    const { host, port } = options;
    throw new CliError(
      app.isOpen
        ? `Port ${port} of ${host} is taken, and ${file} listens itself. Leave out its app.listen(), or put it into if (import.meta.main) { … }: this command does it.`
        : `Port ${port} of ${host} is taken by another program. Stop it, or choose another port: --port ${port + 1}`,
    );
  }
}
