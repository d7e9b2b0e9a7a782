import type { Redis } from "ioredis";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { within } from "../pulled/within.ts";

const warned = new Set<string>();

/**
 * Looks at what the server's promise rests on, and says it once in a process, if it is less than a stored job deserves.
 *
 * @throws {AfterwordError} when the server is too old
 */
export async function warnOfPromise(client: Redis, address: string, answerMs: number): Promise<void> {
  const text = await within(client.info(), answerMs, "it was silent");
  const version = field(text, "redis_version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    throw new AfterwordError("broker_open_failed", `it is version ${version}, and 6.2 is the oldest that can be used`);
  const risks = risksOf(text);
  if (risks.length === 0) return;
  const message = `Jobs on the Redis server ${address} can be lost: ${risks.join("; ")}.`;
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(message, { type: "AfterwordWarning", code: "AFTERWORD_REDIS_DURABILITY" });
}

/** Each as a part of a sentence, with what would mend it. */
export function risksOf(info: string): string[] {
  const risks: string[] = [];
  const policy = field(info, "maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction")
    risks.push(`when its memory is full it throws away keys (maxmemory-policy is ${policy}, and must be noeviction)`);
  if (field(info, "aof_enabled") === "0")
    risks.push(
      "what it stored since its last snapshot is gone when it crashes (set appendonly yes; with appendfsync everysec a crash costs one second at most, with always nothing)",
    );
  return risks;
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}
