import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import { HTTPException } from "../internal/http-exception.ts";

const maxParts = 2_000;
const maxPartHeaders = 100;
const maxPartHeaderBytes = 16_384;

/**
 * A parser for a body of type `multipart/form-data`.
 *
 * @throws {HTTPException} 400 when the Content-Type has no boundary
 */
export function createMultipartParser(contentType: string, maxTextBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": contentType } as BusboyHeaders,
      limits: {
        // One byte more, to tell what is too long from what is as long as it may be.
        fieldSize: Math.min(maxTextBytes + 1, Number.MAX_SAFE_INTEGER),
        parts: maxParts,
        headerPairs: maxPartHeaders,
        headerSize: maxPartHeaderBytes,
      },
      // Names are made safe by toBaseName().
      preservePath: true,
    });
  } catch (cause) {
    const got = JSON.stringify(contentType.slice(0, 100));
    throw new HTTPException(
      400,
      `Expected a Content-Type multipart/form-data; boundary=…, but got ${got}.`,
      {},
      { cause },
    );
  }
}
