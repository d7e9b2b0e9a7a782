import { describe, expect, test } from "vitest";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { formatReport, runChaos } from "./chaos-run.ts";
import { CopiedSources, type Mutation } from "./copied-sources.ts";
import { runStaleEnding, type Moment } from "./stale-ending.ts";
import { hasPrograms, unlessMissing } from "../support/programs.ts";

/** How the guard of endings is taken away. */
export interface Mutations {
  readonly file: string;
  /** So that an ending of any epoch is taken while the job runs. */
  readonly anyEpoch: Omit<Mutation, "file">;
  /** So that the last ending replaces the first. */
  readonly lastWins: Omit<Mutation, "file">;
}

const moments: readonly Moment[] = ["the other worker runs the job", "the other worker has ended the job"];

/**
 * The chaos test of a store that has a server, and the proof that its checks notice something.
 *
 * @param mutations - none where another store of these tests has the guard
 */
export function describeServerChaos(
  broker: "redis" | "postgres" | "rabbitmq",
  programs: readonly string[],
  mutations?: Mutations,
): void {
  keepTidy();

  describe.skipIf(!hasPrograms(...programs))(`${broker}${unlessMissing(...programs)}`, () => {
    test(
      "every confirmed job ends, once, while servers, workers and the store are killed and stopped",
      {
        timeout: 180_000,
      },
      async ({ onTestFailed }) => {
        const seed = Number(process.env.AFTERWORD_CHAOS_SEED ?? Date.now() % 1_000_000);
        const folder = await createTempDirectory();
        // RabbitMQ takes ten seconds to come back, in which little else happens.
        const chaosMs = broker === "rabbitmq" ? 50_000 : 30_000;
        const report = await runChaos({ broker, folder, seed, chaosMs, settleMs: 30_000 });
        onTestFailed(() => console.error(`AFTERWORD_CHAOS_SEED=${seed}\n${formatReport(report)}`));
        expect({ seed, broken: report.broken.slice(0, 10) }).toEqual({ seed, broken: [] });
        // A run in which little happened proves little.
        expect(report.figures["2xx read to the end"]).toBeGreaterThan(50);
        expect(report.figures["answers 503"]).toBeGreaterThan(0);
        expect(report.figures["worker kills"]).toBeGreaterThan(0);
        expect(report.figures["server kills"]).toBeGreaterThan(0);
        expect(report.figures["outages without other kills"]).toBeGreaterThan(0);
      },
    );

    test.each(moments)(
      "an ending that comes after the lease is refused while %s",
      { timeout: 60_000 },
      async (moment) => {
        using sources = new CopiedSources();
        const { faults, refusals } = await runStaleEnding(broker, await createTempDirectory(), moment, sources.entry);
        expect(faults).toEqual([]);
        expect(refusals).toBe(1);
      },
    );

    if (mutations === undefined) return;
    const { file, anyEpoch, lastWins } = mutations;

    test("the checks notice a store that takes an ending of any epoch", { timeout: 60_000 }, async () => {
      using sources = new CopiedSources();
      const { entry } = sources.mutate({ file, ...anyEpoch });
      const { faults } = await runStaleEnding(broker, await createTempDirectory(), moments[0]!, entry);
      expect(faults).toEqual([expect.stringMatching(/was held by process \d+ and ended by process \d+/)]);
    });

    test("the checks notice a store in which the last ending replaces the first", { timeout: 60_000 }, async () => {
      using sources = new CopiedSources();
      const { entry } = sources.mutate({ file, ...lastWins });
      const { faults } = await runStaleEnding(broker, await createTempDirectory(), moments[1]!, entry);
      expect(faults).toContainEqual(expect.stringMatching(/ended 2 times/));
    });
  });
}
