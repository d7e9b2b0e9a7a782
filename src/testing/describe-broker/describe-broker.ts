import assert from "node:assert/strict";
import { Bench } from "./bench.ts";
import type { BrokerCase } from "./broker-case.ts";
import { allGroups } from "./cases/all-groups.ts";
import type { DescribeBrokerOptions } from "./options.ts";
import { abilities } from "../../tasks/broker.ts";
import type { Requirement } from "./requirement.ts";
import { within } from "./wait.ts";

/**
 * Describes what a broker must do, with the test runner of your choice: the conformance suite for authors of brokers. Each
 * sentence of the contract is a test; all brokers of Afterword pass it.
 *
 * What a broker cannot do is said in `lacks`: the tests that need it are skipped, with the reason in their name. That
 * nothing is said in vain is a test, too.
 *
 * @example
 * ```ts
 * // memory.test.ts, run by `node --test`
 * import { describe, it } from "node:test";
 * import { memory } from "afterword";
 * import { describeBroker } from "afterword/testing";
 *
 * describeBroker({
 *   test: { describe, it },
 *   name: "memory",
 *   lacks: ["transaction", "durability", "connections", "processes", "outages"],
 *   createBroker: async () => ({ broker: memory(), dispose: async () => {} }),
 * });
 * ```
 */
export function describeBroker(options: DescribeBrokerOptions): void {
  const { test, name = "broker", lacks = [], patienceMs = 5_000 } = options;
  const limitMs = patienceMs * 6;
  const register = (sentence: string, needs: readonly Requirement[], body: () => Promise<void>): void => {
    const missing = needs.filter((requirement) => lacks.includes(requirement));
    if (missing.length > 0) test.it.skip(`${sentence} [lacks ${missing.join(", ")}]`, body);
    // A bit more for the runner, whose own message says less.
    else test.it(sentence, body, limitMs + 5_000);
  };
  test.describe(name, () => {
    test.it("has what it is said to have, and lacks what it is said to lack", () => checkClaims(options), limitMs);
    for (const { name: group, cases } of allGroups)
      test.describe(group, () => {
        for (const { sentence, needs, run } of cases)
          register(sentence, needs, () => runCase({ sentence, needs, run }, options, limitMs));
      });
  });
}

/** Runs a case on a bench of its own, which is closed whatever happens. */
export async function runCase(
  { sentence, run }: BrokerCase,
  options: DescribeBrokerOptions,
  limitMs: number,
): Promise<void> {
  const bench = await Bench.open(options);
  try {
    await within(run(bench), limitMs, `the end of the case "${sentence}"`);
  } catch (error) {
    // The case's own error says more than what closing after it may add.
    await bench.close().catch(() => {});
    throw error;
  }
  await bench.close();
}

async function checkClaims({ createBroker, lacks = [] }: DescribeBrokerOptions): Promise<void> {
  const setup = await createBroker();
  try {
    const { broker } = setup;
    const has: Readonly<Partial<Record<Requirement, boolean>>> = {
      ...Object.fromEntries(abilities.map((ability) => [ability, broker.supports.has(ability)])),
      durability: broker.isDurable,
      connections: setup.another !== undefined,
      processes: setup.spawnWorker !== undefined,
      outages: setup.interrupt !== undefined,
    };
    for (const [requirement, isThere] of Object.entries(has))
      assert.equal(
        isThere,
        !lacks.includes(requirement as Requirement),
        isThere
          ? `The broker or its setup has "${requirement}": take it from describeBroker's option lacks, so that it is tested.`
          : `The broker or its setup does not have "${requirement}": say so in describeBroker's option lacks.`,
      );
    assert.ok(broker.name.length > 0, "A broker has a name.");
  } finally {
    await setup.dispose();
  }
}
