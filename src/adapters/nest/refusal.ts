import type { ServerResponse } from "node:http";
import { HttpException } from "@nestjs/common";
import { isAnswerable } from "../../app/error-handlers.ts";

/** An error of Afterword in the form that Nest and its users' exception filters know; the error itself is its `cause`. */
export class Refusal extends HttpException {
  readonly #headers: Headers;

  constructor(answer: Response, body: object, cause: unknown) {
    super(body, answer.status, { cause });
    this.#headers = answer.headers;
  }

  /** Sets the headers it is answered with, which Nest's exceptions cannot carry. */
  announce(outgoing: ServerResponse): void {
    if (outgoing.headersSent) return;
    for (const [name, value] of this.#headers) if (!name.startsWith("content-")) outgoing.setHeader(name, value);
  }
}

/**
 * What Nest is to see of an error.
 *
 * @param refuse - how an app of Afterword answers an error
 */
export async function toNestError(error: unknown, refuse: (error: unknown) => Promise<Response>): Promise<unknown> {
  if (!isAnswerable(error)) return error;
  const answer = await refuse(error);
  return new Refusal(answer, (await answer.json()) as object, error);
}
