import { setTimeout as delay } from "node:timers/promises";
import type { Delivery } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import { failed, succeeded } from "./endings.ts";

/** What the scripted task of the suite does: the only argument of its jobs. */
export type Behavior =
  | { readonly do: "succeed"; readonly result: string }
  | { readonly do: "throw"; readonly message: string }
  /** Waits, without heeding its signal, and then succeeds. */
  | { readonly do: "wait"; readonly ms: number; readonly result: string }
  /** Never ends by itself. */
  | { readonly do: "hang" }
  /** Keeps the event loop from turning, and then succeeds. */
  | { readonly do: "block"; readonly ms: number; readonly result: string }
  | { readonly do: "exit"; readonly code: number }
  /** The process kills itself in a way that it cannot notice. */
  | { readonly do: "kill" };

/** The arguments of a job that behaves like this. */
export function behaviorArgs(behavior: Behavior): string {
  return JSON.stringify([behavior]);
}

/** Does what the arguments of the job say. */
export async function behave({ job }: Delivery): Promise<Ending> {
  const [behavior] = JSON.parse(job.args) as [Behavior];
  switch (behavior.do) {
    case "succeed":
      return succeeded(behavior.result);
    case "throw":
      return failed(behavior.message);
    case "wait":
      await delay(behavior.ms);
      return succeeded(behavior.result);
    case "hang":
      return new Promise(() => {});
    case "block": {
      const endMs = performance.now() + behavior.ms;
      while (performance.now() < endMs);
      return succeeded(behavior.result);
    }
    case "exit":
      process.exit(behavior.code);
      break;
    case "kill":
      process.kill(process.pid, "SIGKILL");
      return new Promise(() => {});
  }
}
