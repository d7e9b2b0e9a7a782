#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { AfterwordError } from "../internal/afterword-error.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CliError) {
    if (error.message !== "") console.error(error.message);
    exit(error.exitCode);
  } else {
    // An error of ours says all there is to say; of another one the stack may help.
    console.error(error instanceof AfterwordError ? error.message : error);
    exit(exitCodes.failed);
  }
}

/** Ends when all is printed, even if an app that was loaded has begun something that would keep this process alive. */
function exit(code: number): void {
  process.stdout.write("", () => process.exit(code));
}
