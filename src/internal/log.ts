import { Console } from "node:console";
import { DeclarationError } from "./afterword-error.ts";
import { formatValue } from "./format-value.ts";

/**
 * Where a program wants its log lines: pino, Fastify's `app.log`, bunyan, or anything with their form (fields first, then the message).
 * A `console` gets the lines that are written without a logger.
 */
export interface LoggerLike {
  warn(fields: object, message: string): unknown;
  error(fields: object, message: string): unknown;
}

/**
 * What log lines say beside their message. An error is in `err`, as pino wants it; the others are those of `TaskReport` and
 * `JobReport`, by the names that stand in the guide.
 */
export interface LogFields {
  readonly err?: unknown;
  readonly [name: string]: unknown;
}

/** What the package has to say to the people who run it: to their logger, else to stderr. Never throws. */
export class Log {
  readonly #logger: LoggerLike | undefined;
  readonly #console: Console;

  constructor(logger?: LoggerLike) {
    this.#logger = logger === undefined || isConsole(logger) ? undefined : logger;
    this.#console = logger !== undefined && isConsole(logger) ? logger : console;
  }

  /** Whether it writes texts, for people. */
  get isText(): boolean {
    return this.#logger === undefined;
  }

  /**
   * Something failed.
   *
   * @param text - what stderr gets in place of message and error
   */
  error(message: string, fields: LogFields, text?: readonly unknown[]): void {
    this.#write("error", message, fields, text);
  }

  /** Something failed that will be tried again. */
  retry(message: string, fields: LogFields): void {
    this.#write("warn", message, fields, undefined);
  }

  /** Advice about the program, once: without a logger a warning of the process, which may be turned off by its code. */
  advise(code: string, message: string, fields: LogFields = {}): void {
    if (this.#logger === undefined) process.emitWarning(message, { type: "AfterwordWarning", code });
    else this.#write("warn", message, { ...fields, code }, undefined);
  }

  #write(level: keyof LoggerLike, message: string, fields: LogFields, text: readonly unknown[] | undefined): void {
    if (this.#logger !== undefined) {
      try {
        this.#logger[level](fields, message);
        return;
      } catch (error) {
        this.#console.error("The logger threw:", error);
      }
    }
    if (text !== undefined) this.#console.error(...text);
    else if ("err" in fields) this.#console.error(`${message}:`, fields.err);
    else this.#console.error(`${message}.`);
  }
}

/** @throws {DeclarationError} for what is no logger */
export function assertLogger(value: unknown, what: string): asserts value is LoggerLike {
  const { warn, error } = (value ?? {}) as Partial<LoggerLike>;
  if (typeof warn === "function" && typeof error === "function") return;
  throw new DeclarationError(
    `${what} must be a logger with the methods warn(fields, message) and error(fields, message), such as pino() or console, but got ${formatValue(value)}.`,
  );
}

function isConsole(logger: unknown): logger is Console {
  return logger === globalThis.console || logger instanceof Console;
}
