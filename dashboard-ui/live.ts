import { useEffect, useState } from "preact/hooks";
import type { ChangedEvent, SampleEvent } from "../src/dashboard/dashboard-types.ts";

export type Connection = "connecting" | "live" | "lost" | "resting";

/** Something that several parts of the page follow. */
class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();
  value: T;

  constructor(value: T) {
    this.value = value;
  }

  set(value: T): void {
    this.value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  follow(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const connection = new Signal<Connection>("connecting");
const sample = new Signal<SampleEvent | undefined>(undefined);
const changes = new Signal<ChangedEvent>({ ids: [] });

let source: EventSource | undefined;

function open(): void {
  if (source !== undefined) return;
  connection.set("connecting");
  source = new EventSource("api/events");
  source.addEventListener("hello", () => {
    connection.set("live");
    // What happened before is not known.
    changes.set({ ids: undefined });
  });
  source.addEventListener("sample", ({ data }) => sample.set(JSON.parse(data) as SampleEvent));
  source.addEventListener("changed", ({ data }) => changes.set(JSON.parse(data) as ChangedEvent));
  source.addEventListener("error", () => {
    connection.set("lost");
    if (source?.readyState !== EventSource.CLOSED) return;
    close("lost");
    setTimeout(() => document.hidden || open(), 5_000);
  });
}

function close(state: Connection): void {
  source?.close();
  source = undefined;
  connection.set(state);
}

/** A page that nobody sees asks for nothing. */
export function startLive(): void {
  document.addEventListener("visibilitychange", () => (document.hidden ? close("resting") : open()));
  if (!document.hidden) open();
}

function useSignal<T>(signal: Signal<T>): T {
  const [value, setValue] = useState(signal.value);
  useEffect(() => {
    setValue(signal.value);
    return signal.follow(setValue);
  }, [signal]);
  return value;
}

export const useConnection = (): Connection => useSignal(connection);
export const useSample = (): SampleEvent | undefined => useSignal(sample);

/** Calls `listener` when jobs have changed: with their ids, or `undefined` when they are not known. */
export function onChanged(listener: (ids: readonly string[] | undefined) => void): () => void {
  return changes.follow(({ ids }) => listener(ids));
}
