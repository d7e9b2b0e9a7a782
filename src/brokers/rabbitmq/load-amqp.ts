import type { connect } from "amqplib";
import { AfterwordError } from "../../internal/afterword-error.ts";

/** What is used of the package that users install. */
export interface Amqp {
  readonly connect: typeof connect;
}

/**
 * @param caller - as it stands in the error: `"rabbitmq()"`
 * @throws {AfterwordError} with code `missing_package`
 */
export async function loadAmqp(caller: string): Promise<Amqp> {
  try {
    return await import("amqplib");
  } catch (error) {
    throw new AfterwordError(
      "missing_package",
      `${caller} needs the package amqplib 2. Install it: npm install amqplib@2`,
      { cause: error },
    );
  }
}
