import type { ServerResponse } from "node:http";
import { regexes } from "zod";

/** What all peers on Node share: the arguments, the work, and for those without background tasks a way to run them. */
export const [part, port] = [process.argv[2], Number(process.argv[3])];

/** The one of `z.email()`, so that all check the same. */
export const emailPattern: RegExp = regexes.email;

export const counts = { requests: 0, tasks: 0 };

export let lastMessage = "";

/** The background task. */
export function writeLog(message: string): void {
  counts.tasks++;
  lastMessage = message;
}

/** Tasks after the response, as one writes them by hand: in order, and a failed one stops nothing. */
export function runAfter(response: ServerResponse, tasks: readonly (() => unknown)[]): void {
  response.once("close", async () => {
    for (const task of tasks) {
      try {
        await task();
      } catch (error) {
        console.error(error);
      }
    }
  });
}
