import { StoreError } from "../../tasks/store-error.ts";

/** Answers with which a server refuses a script before it has begun. */
const refusals =
  /^(LOADING|MASTERDOWN|READONLY|OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|NOREPLICAS|BUSY|CLUSTERDOWN|MOVED)\b/;

/**
 * What is known after a command has failed. A refusal means that nothing has happened. When the connection went away, or the
 * script broke off, nobody knows.
 */
export function toStoreError(error: unknown, address: string): StoreError {
  if (error instanceof StoreError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "ReplyError")
    return new StoreError(
      refusals.test(message) ? "not_stored" : "maybe_stored",
      `The Redis server ${address} answered with an error: ${message}`,
      { cause: error },
    );
  if (message.startsWith(unsent))
    return new StoreError("not_stored", `The Redis server ${address} cannot be reached, so nothing was asked of it.`, {
      cause: error,
    });
  return new StoreError(
    "maybe_stored",
    `The connection to the Redis server ${address} was lost before it answered (${message}), so nobody knows whether it did what was asked.`,
    { cause: error },
  );
}

/** What ioredis says of a command that it has not written. */
export const unsent = "Stream isn't writeable";
