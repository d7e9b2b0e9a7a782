import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Made for this process: what is compared are codes under a key that nobody knows. */
const key = randomBytes(32);

/**
 * Whether two secrets are the same, in a time that tells nothing of where they differ, or of how long they are: for
 * passwords, keys and signatures that a client sends.
 *
 * Passwords that are stored belong hashed (scrypt, argon2), and are compared by the library that hashes them.
 *
 * @example
 * ```ts
 * import { constantTimeEqual } from "afterword";
 *
 * console.log(constantTimeEqual("k-123", "k-124")); // false
 * ```
 */
export function constantTimeEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf16le").digest();
}
