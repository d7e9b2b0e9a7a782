import { AfterwordError } from "../../internal/afterword-error.ts";
import type { Broker } from "../../tasks/broker.ts";
import type { ThreadOrder } from "./thread-messages.ts";

/** Asks the event loop for a verb of its broker. */
export type Ask = <K extends "enqueue" | "get" | "cancel">(
  verb: K,
  request: Parameters<Broker[K]>[0],
) => ReturnType<Broker[K]>;

/** The broker of the worker, for `enqueue` and handles in a thread: what they ask for crosses to the event loop and is done there. */
export function createParentBroker({ name, supports, isDurable }: ThreadOrder["broker"], ask: Ask): Broker {
  const refuse = (): never => {
    throw new AfterwordError(
      "unsupported",
      "A worker thread can store jobs, ask for them and cancel them. Everything else belongs into the process: open a Client there.",
    );
  };
  return {
    name: `${name}, asked from a worker thread,`,
    // A transaction belongs to a connection, which stays where it is.
    supports: new Set([...supports].filter((ability) => ability !== "transaction")),
    isEmbedded: false,
    isDurable,
    open: async () => {},
    close: async () => {},
    enqueue: ({ jobs }) => ask("enqueue", { jobs }),
    get: (request) => ask("get", request),
    cancel: (request) => ask("cancel", request),
    // Whoever waits for a job asks again from time to time.
    subscribe: () => () => {},
    consume: refuse,
    list: refuse,
    counts: refuse,
    retry: refuse,
    remove: refuse,
    purge: refuse,
    pause: refuse,
    resume: refuse,
    putSchedule: refuse,
    removeSchedule: refuse,
    schedules: refuse,
    pauseSchedule: refuse,
    tick: refuse,
    workers: refuse,
  };
}
