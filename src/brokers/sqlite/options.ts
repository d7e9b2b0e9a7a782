import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../../internal/duration.ts";
import { formatValue } from "../../internal/format-value.ts";

/** What `sqlite(file, options)` takes. */
export interface SqliteOptions {
  /**
   * What a stored job has been through.
   *
   * - `"full"`: the file was synced: it survives the loss of power.
   * - `"normal"`: it was handed to the operating system: it survives `kill -9` of the process, but the last moments before a
   *   loss of power may be gone.
   *
   * @defaultValue `"full"`
   */
  readonly synchronous?: "full" | "normal";
  /** How many jobs may wait. Beyond it, storing is refused with `queue_full`, answered as 503. @defaultValue no limit */
  readonly maxQueued?: number;
  /**
   * Whether a thread of its own writes to the file, so that the event loop does not stand still while the disk syncs, and
   * jobs that block it keep their leases. `false`: the event loop writes.
   *
   * @defaultValue true
   */
  readonly thread?: boolean;
  /**
   * How long a writer waits while another program writes, before it gives up. What is asked meanwhile may wait twice as long.
   *
   * @defaultValue `"900ms"`
   */
  readonly busyTimeout?: Duration;
}

/** {@link SqliteOptions} with everything decided. Plain data: it crosses into the thread. */
export interface SqliteConfig {
  readonly file: string;
  readonly synchronous: "full" | "normal";
  readonly maxQueued: number | undefined;
  readonly thread: boolean;
  readonly busyTimeoutMs: number;
}

const names = ["synchronous", "maxQueued", "thread", "busyTimeout"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toSqliteConfig(file: string | URL, options: SqliteOptions): SqliteConfig {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`sqlite(file, options) expects an object of options, but got ${formatValue(options)}.`);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new DeclarationError(`sqlite() has no option ${JSON.stringify(name)}. It has ${names.join(", ")}.`);
  const { synchronous = "full", maxQueued, thread = true, busyTimeout = "900ms" } = options;
  if (synchronous !== "full" && synchronous !== "normal")
    throw new DeclarationError(
      `sqlite(): synchronous must be "full" or "normal", but got ${formatValue(synchronous)}.`,
    );
  if (maxQueued !== undefined && !(Number.isInteger(maxQueued) && maxQueued >= 0))
    throw new DeclarationError(
      `sqlite(): maxQueued must be an integer of 0 or more, but got ${formatValue(maxQueued)}.`,
    );
  if (typeof thread !== "boolean")
    throw new DeclarationError(`sqlite(): thread must be true or false, but got ${formatValue(thread)}.`);
  return {
    file: toPath(file),
    synchronous,
    maxQueued,
    thread,
    busyTimeoutMs: parseDuration(busyTimeout, "sqlite(): busyTimeout"),
  };
}

function toPath(file: unknown): string {
  if (file === ":memory:")
    throw new DeclarationError(
      "sqlite(): a database in memory is lost with the process. Use memory(), or name a file.",
    );
  if (file instanceof URL || (typeof file === "string" && file.startsWith("file:"))) return fromUrl(file);
  if (typeof file === "string" && file !== "" && !file.includes("\u0000")) return resolve(file);
  throw new DeclarationError(`sqlite() expects the path of a file, such as "tasks.db", but got ${formatValue(file)}.`);
}

function fromUrl(url: URL | string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new DeclarationError(
      `sqlite() expects a path or a URL such as "file:///var/lib/app/tasks.db", but got ${String(url)}.`,
      { cause: error },
    );
  }
}
