import { StoreError } from "../../tasks/store-error.ts";
import { BlockedError, RefusedError } from "./session.ts";

/** What is known after something has failed: only of what was not sent it is known that nothing has happened. */
export function toStoreError(error: unknown, address: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = describe(error);
  if (error instanceof BlockedError)
    return new StoreError(
      "not_stored",
      `The RabbitMQ server ${address} takes no messages for now (${message}), so nothing was sent.`,
      { cause: error },
    );
  if (error instanceof RefusedError)
    return new StoreError(
      "maybe_stored",
      `The RabbitMQ server ${address} did not take all that was sent: ${message}.`,
      {
        cause: error,
      },
    );
  return new StoreError(
    "maybe_stored",
    `The RabbitMQ server ${address} did not confirm what was sent (${message}), so nobody knows whether it has it.`,
    { cause: error },
  );
}

/**
 * A queue or exchange that could not be made: nothing was sent yet.
 *
 * @param wayOut - what to do where it exists and is made otherwise
 */
export function toDeclareError(error: unknown, name: string, address: string, wayOut: string): StoreError {
  const message = describe(error);
  const advice = message.includes("PRECONDITION_FAILED") ? ` It exists and is made otherwise: ${wayOut}.` : "";
  return new StoreError(
    "not_stored",
    `The queue ${name} on the RabbitMQ server ${address} cannot be used: ${message}.${advice}`,
    { cause: error },
  );
}

/** An error about several addresses has a code and no message. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error.message || String((error as { code?: unknown }).code ?? error.name)).replace(/\.$/, "");
}
