import { expect, test } from "vitest";
import { within } from "../support/wait-until.ts";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly max: number;
}

test(
  "other requests are answered sooner while threads hash passwords than while the event loop does",
  {
    timeout: 90_000,
  },
  async () => {
    const example = await runExample("password-hashing", { SECONDS: "2" });
    expect(await within(example.exited, 80_000, "the end of the example")).toBe(0);
    const [loop, threads] = ["loop", "threads"].map((place): Figures => {
      const pattern = `^hashing on ${place}: (?<count>\\d+) other requests took p50 (?<p50>[\\d.]+) ms, p99 [\\d.]+ ms, at most (?<max>[\\d.]+) ms$`;
      const { groups } = new RegExp(pattern, "m").exec(example.stdout)!;
      return { count: Number(groups!["count"]), p50: Number(groups!["p50"]), max: Number(groups!["max"]) };
    });
    expect(loop!.max).toBeGreaterThan(30);
    expect(threads!.p50).toBeLessThan(loop!.p50);
    expect(threads!.count).toBeGreaterThan(loop!.count);
    expect(example.stderr).toContain('Task "hash-on-loop" held the event loop');
    expect(example.stderr).not.toContain("hash-in-thread");
  },
);
