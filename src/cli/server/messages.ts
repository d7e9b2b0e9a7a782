/** What a process that serves an app is started with: JSON, its only argument. */
export interface ServerSettings {
  readonly file: string;
  readonly host: string;
  readonly port: number;
  readonly proxyHeaders: boolean;
  /** How many processes serve the app. */
  readonly processes: number;
  /** Whether it tells which files it loads. */
  readonly tellsFiles: boolean;
}

/** It serves. */
export interface Ready {
  readonly afterword: "ready";
  readonly url: string;
  readonly port: number;
  /** Under which path it shows its API: a page, else the document; `undefined` if nowhere. */
  readonly docsPath: string | undefined;
  readonly drainTimeoutMs: number;
}

/** It could not start. It ends with 1. */
export interface Failed {
  readonly afterword: "failed";
  readonly message: string;
}

/** It has loaded a file, or wanted one that is not there. */
export interface Loaded {
  readonly afterword: "loaded";
  readonly path: string;
  /** What the file was before it was read: see fingerprintOf. */
  readonly fingerprint: string;
}

/** It closes, and these have not ended. */
export interface Waits {
  readonly afterword: "waits";
  readonly tasks: number;
  readonly jobs: number;
}

export type FromServer = Ready | Failed | Loaded | Waits;

/** Close as on SIGTERM. It is no signal, since Windows has none. */
export interface ToServer {
  readonly afterword: "close";
}

/** Whether a message is one of these: the app may have some of its own. */
export function isOurs(message: unknown): boolean {
  return typeof message === "object" && message !== null && "afterword" in message;
}
