import type { ChildProcess } from "node:child_process";
import { formatDuration } from "../../internal/duration.ts";
import { exitCodes } from "../cli-error.ts";
import { isOurs, type FromServer, type Loaded, type Ready, type ToServer, type Waits } from "./messages.ts";

/** So much longer than its app's drainTimeout a server may take to close, before something must hold its event loop. */
const graceMs = 5_000;

/** How a server process has ended. */
export interface ServerEnding {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not start, if it said so. */
  readonly failure: string | undefined;
}

/** What a supervisor wants to hear of its server. */
export interface ServerListener {
  onReady?(ready: Ready): void;
  onLoaded?(loaded: Loaded): void;
  onWaits?(waits: Waits): void;
}

/** A process that runs server-process.ts, as its supervisor sees it. */
export class SupervisedServer {
  /** Resolves when the process has ended, and all that it has told was heard. */
  readonly ended: Promise<ServerEnding>;
  readonly #child: ChildProcess;
  readonly #listener: ServerListener;
  #ready: Ready | undefined = undefined;
  #failure: string | undefined = undefined;
  #hasEnded = false;
  #closing: NodeJS.Timeout | undefined = undefined;

  constructor(child: ChildProcess, listener: ServerListener) {
    this.#child = child;
    this.#listener = listener;
    child.on("message", (message) => isOurs(message) && this.#hear(message as FromServer));
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#hasEnded = true;
        clearTimeout(this.#closing);
        resolve({ code, signal, failure: this.#failure });
      };
      child.once("close", end);
      child.on("error", (error) => {
        this.#failure ??= `No process could be started: ${error.message}.`;
        if (child.pid === undefined) end(exitCodes.failed, null);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it said when it began to serve; `undefined` before. */
  get ready(): Ready | undefined {
    return this.#ready;
  }

  /** Tells it to close as on SIGTERM. One that does not within its time is killed. */
  close(): Promise<ServerEnding> {
    if (this.#closing === undefined && !this.#hasEnded) {
      if (this.#child.connected) this.#child.send({ afterword: "close" } satisfies ToServer, () => {});
      const limitMs = (this.#ready?.drainTimeoutMs ?? 0) + graceMs;
      this.#closing = setTimeout(() => {
        console.error(
          `Process ${this.pid} did not close within ${formatDuration(limitMs)}: something holds its event loop, or its start never ends. It is killed.`,
        );
        this.kill();
      }, limitMs);
    }
    return this.ended;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #hear(message: FromServer): void {
    switch (message.afterword) {
      case "ready":
        this.#ready = message;
        return this.#listener.onReady?.(message);
      case "loaded":
        return this.#listener.onLoaded?.(message);
      case "waits":
        return this.#listener.onWaits?.(message);
      case "failed":
        this.#failure = message.message;
    }
  }
}

/** `ended with exit code 3`, `was killed by SIGKILL`. */
export function describeEnding({ code, signal }: ServerEnding): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}

/** `Waiting for 2 background tasks and 1 job…` */
export function describeWaiting({ tasks, jobs }: Waits): string {
  const what = [count(tasks, "background task"), count(jobs, "job")].filter((text) => text !== "").join(" and ");
  return `Waiting for ${what || "responses and clean-up"}…`;
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : `${number} ${noun}${number === 1 ? "" : "s"}`;
}
