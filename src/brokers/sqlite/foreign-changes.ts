import type { Writer } from "./writer.ts";

/** So often a connection looks whether another one has changed the file, while nobody does. */
const idleMs = 25;
/** So often while somebody does: a look costs a few microseconds, and jobs from another process start as soon. */
const busyMs = 3;
/** So long after a change more of them are expected. */
const busyForMs = 1_000;

/** Looks whether other connections have changed the file. */
export class ForeignChanges {
  readonly #writer: Writer;
  readonly #onChange: () => void;
  #version = 0;
  #changedMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(writer: Writer, onChange: () => void) {
    this.#writer = writer;
    this.#onChange = onChange;
  }

  start(): void {
    this.stop();
    this.#version = this.#writer.dataVersion();
    this.#plan();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(): void {
    const isBusy = performance.now() - this.#changedMs < busyForMs;
    this.#timer = setTimeout(() => this.#look(), isBusy ? busyMs : idleMs);
    this.#timer.unref();
  }

  #look(): void {
    const version = this.#writer.dataVersion();
    if (version !== this.#version) {
      this.#version = version;
      this.#changedMs = performance.now();
      this.#onChange();
    }
    // Whoever was told may have stopped it.
    if (this.#timer !== undefined) this.#plan();
  }
}
