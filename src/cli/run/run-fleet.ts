import { exitCodes } from "../cli-error.ts";
import type { ServerSettings } from "../server/messages.ts";
import { StopSignals } from "../server/stop-signals.ts";
import { ServerFleet } from "./server-fleet.ts";

/**
 * Serves an app in several processes, until it is told to stop.
 *
 * @returns the exit code
 */
export async function runFleet(settings: ServerSettings): Promise<number> {
  const fleet = new ServerFleet(settings);
  const stop = new StopSignals(() => fleet.kill());
  const url = await Promise.race([fleet.start(), stop.asked]);
  if (!stop.isAsked) {
    console.log(`Serving at ${url} in ${settings.processes} processes: ${fleet.pids.join(", ")}. Ctrl+C stops them.`);
    await stop.asked;
  }
  return (await fleet.close()) ? exitCodes.ok : exitCodes.failed;
}
