import { describe, expect, it } from "vitest";
import { PulledBroker } from "../../src/brokers/pulled/pulled-broker.ts";
import type { Store } from "../../src/brokers/pulled/store.ts";
import { memory } from "../../src/brokers/memory/index.ts";
import { MemoryStore } from "../../src/brokers/memory/memory-store.ts";
import { describeBroker, type DescribeBrokerOptions } from "../../src/testing/describe-broker/index.ts";
import { mutants, type Mutant } from "./mutants.ts";

function withChanges(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get(_, key) {
      const own: unknown = Reflect.get(changes, key) ?? Reflect.get(store, key, store);
      return typeof own === "function" ? (...args: unknown[]) => Reflect.apply(own, store, args) as unknown : own;
    },
  });
}

/** The cases of the suite for such a store, by group and sentence, to be run one by one. */
function casesOf(change: Mutant["change"]): ReadonlyMap<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>();
  let group = "";
  const test: DescribeBrokerOptions["test"] = {
    describe: (name, body) => {
      group = name;
      body();
    },
    it: Object.assign((sentence: string, body: () => Promise<void>) => void cases.set(`${group}: ${sentence}`, body), {
      skip: () => {},
    }),
  };
  const { supports } = memory();
  describeBroker({
    test,
    lacks: ["transaction", "durability", "connections", "processes", "outages"],
    patienceMs: 1_000,
    createBroker: async () => {
      const store = new MemoryStore();
      const broker = new PulledBroker({
        name: "mutant",
        load: async () => withChanges(store, change(store)),
        isDurable: false,
        supports,
      });
      return { broker, dispose: async () => {} };
    },
  });
  return cases;
}

function find(cases: ReturnType<typeof casesOf>, name: string): () => Promise<void> {
  const run = cases.get(name);
  if (run) return run;
  throw new Error(`The suite has no case "${name}".`);
}

describe("describeBroker", () => {
  it.each(mutants)("notices a broker that $fault", async ({ notices, change }) => {
    await find(
      casesOf(() => ({})),
      notices,
    )();
    await expect(find(casesOf(change), notices)()).rejects.toThrow();
  });

  it("names each case once", () => {
    const names: string[] = [];
    let group = "";
    const it = (sentence: string): unknown => names.push(`${group}: ${sentence}`);
    const describe = (name: string, body: () => void): void => {
      group = name;
      body();
    };
    const createBroker = (): never => expect.unreachable();
    describeBroker({ test: { describe, it: Object.assign(it, { skip: it }) }, createBroker });
    expect(names.length).toBeGreaterThan(150);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
