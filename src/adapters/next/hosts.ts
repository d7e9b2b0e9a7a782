import { AdapterHost } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";

/** One for each options object, so that all handlers of an app may share one. */
const hosts = new WeakMap<BackgroundTasksOptions, AdapterHost>();
const noOptions: BackgroundTasksOptions = {};

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function hostOf(options: BackgroundTasksOptions = noOptions): AdapterHost {
  let host = hosts.get(options);
  if (host === undefined) hosts.set(options, (host = new AdapterHost("the options of afterword/next", options)));
  return host;
}
