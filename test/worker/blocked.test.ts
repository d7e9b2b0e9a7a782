import { setTimeout as delay } from "node:timers/promises";
import { task } from "afterword";
import { afterEach, expect, test, vi } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { openWorkplace } from "../support/jobs.ts";
import { keepTidy } from "../support/tidy.ts";
import { hold } from "./fixtures/threads/tasks.ts";

keepTidy();

const [kind] = embeddedBrokers;

afterEach(() => {
  vi.restoreAllMocks();
});

function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test(
  "case 6 for jobs: one that holds the event loop is named once, with the way out; one in a thread is not",
  {
    timeout: 60_000,
  },
  async () => {
    const warnings: string[] = [];
    vi.spyOn(process, "emitWarning").mockImplementation((warning) => void warnings.push(String(warning)));
    await using _ = await openWorkplace(kind!);
    const atOnce = task("blocked.at-once", () => compute(150));
    const afterAwait = task("blocked.after-await", async () => {
      await delay(5);
      compute(150);
      await delay(20);
    });
    for (const job of [await atOnce.enqueue(), await atOnce.enqueue(), await afterAwait.enqueue()])
      await job.result({ timeout: "20s" });
    await (await hold.enqueue(150)).result({ timeout: "50s" });
    const ours = warnings.filter((text) => text.includes('"blocked.'));
    expect(ours).toHaveLength(2);
    for (const [index, name] of ["blocked.at-once", "blocked.after-await"].entries())
      expect(ours[index]).toMatch(
        new RegExp(
          `^Task "${name}" held the event loop for [\\d.]+ m?s while it ran; .* with the option thread: docs/guide/15-worker-threads\\.md\\.$`,
        ),
      );
    expect(warnings.join("\n")).not.toContain('"t.hold"');
  },
);
