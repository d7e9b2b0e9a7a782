import { HTTPException } from "../internal/http-exception.ts";

/** A Content-Type, taken apart: `type` in lower case, `charset` too and without quotes. */
export interface MediaType {
  readonly type: string;
  readonly charset: string | undefined;
}

/** Takes a Content-Type apart (RFC 9110, section 8.3). A missing one has the type `""`. */
export function parseMediaType(header: string | null): MediaType {
  if (header === null) return { type: "", charset: undefined };
  const semicolon = header.indexOf(";");
  const type = (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  const charset =
    semicolon === -1 ? undefined : /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(header.slice(semicolon))?.[1]?.toLowerCase();
  return { type, charset };
}

/**
 * Why a body of this type, or compressed, cannot be read; `undefined` when it can.
 *
 * @param accepted - the types that can be read, for the `Accept` of the answer
 */
export function refuseMedia(
  headers: Headers,
  accepts: (type: string) => boolean,
  accepted: string,
): HTTPException | undefined {
  const contentType = headers.get("content-type");
  const { type, charset } = parseMediaType(contentType);
  if (!accepts(type)) {
    const got =
      contentType === null ? "the request has no Content-Type" : `got ${JSON.stringify(contentType.slice(0, 100))}`;
    return new HTTPException(415, `Expected a body of type ${accepted}, but ${got}.`, { accept: accepted });
  }
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8")
    return new HTTPException(
      415,
      `Expected a body in the charset utf-8, but got ${JSON.stringify(charset.slice(0, 100))}.`,
      { accept: accepted },
    );
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity")
    return new HTTPException(
      415,
      `Expected a body without Content-Encoding, but got ${JSON.stringify(encoding.slice(0, 100))}.`,
      {
        "accept-encoding": "identity",
      },
    );
  return undefined;
}
