#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { AfterwordError } from "../internal/afterword-error.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CliError) {
    if (error.message !== "") console.error(error.message);
    process.exitCode = error.exitCode;
  } else {
    // An error of ours says all there is to say; of another one the stack may help.
    console.error(error instanceof AfterwordError ? error.message : error);
    process.exitCode = exitCodes.failed;
  }
}
