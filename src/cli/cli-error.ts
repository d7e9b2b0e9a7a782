/** What the process ends with. Documented in docs/reference/cli.md. */
export const exitCodes = {
  ok: 0,
  /** It did not work, or not all of it: the message on stderr says what. */
  failed: 1,
  /** The command line was wrong: nothing has happened. */
  usage: 2,
} as const;

/** Ends a command with a message on stderr, without a stack. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}
