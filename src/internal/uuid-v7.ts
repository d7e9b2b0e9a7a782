import { randomFillSync } from "node:crypto";

const pool = new Uint8Array(10 * 128);
let poolOffset = pool.length;
let lastMs = 0;
let counter = 0;

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * A UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then a 12-bit counter that keeps ids of one
 * process and one millisecond in order (section 6.2, method 1), then 62 random bits.
 */
export function createUuidV7(nowMs: number = Date.now()): string {
  if (poolOffset === pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const random = poolOffset;
  poolOffset += 10;
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = ((pool[random]! & 0x07) << 8) | pool[random + 1]!;
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const high = Math.floor(lastMs / 0x1_0000);
  const low = lastMs & 0xffff;
  return (
    hex[(high >>> 24) & 0xff]! +
    hex[(high >>> 16) & 0xff]! +
    hex[(high >>> 8) & 0xff]! +
    hex[high & 0xff]! +
    "-" +
    hex[low >>> 8]! +
    hex[low & 0xff]! +
    "-" +
    hex[0x70 | (counter >>> 8)]! +
    hex[counter & 0xff]! +
    "-" +
    hex[0x80 | (pool[random + 2]! & 0x3f)]! +
    hex[pool[random + 3]!]! +
    "-" +
    hex[pool[random + 4]!]! +
    hex[pool[random + 5]!]! +
    hex[pool[random + 6]!]! +
    hex[pool[random + 7]!]! +
    hex[pool[random + 8]!]! +
    hex[pool[random + 9]!]!
  );
}
