import { AfterwordError } from "../../../internal/afterword-error.ts";
import type { Engine } from "../../redis/clients.ts";
import { script } from "./script.ts";

/** The client of Redis, with our script for Celery's keys. @throws {AfterwordError} with code `missing_package` */
export async function loadEngine(): Promise<Engine> {
  try {
    const { Redis } = await import("ioredis");
    return { Redis, script };
  } catch (error) {
    throw new AfterwordError(
      "missing_package",
      "celery() on Redis needs the package ioredis 6. Install it: npm install ioredis@6",
      { cause: error },
    );
  }
}
