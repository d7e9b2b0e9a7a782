import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Store } from "../../src/brokers/embedded/store.ts";
import { MemoryStore } from "../../src/brokers/memory/memory-store.ts";
import { toSqliteConfig } from "../../src/brokers/sqlite/options.ts";
import { SqliteStore } from "../../src/brokers/sqlite/sqlite-store.ts";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { storeCases } from "./store-cases.ts";

const stores: Readonly<Record<string, () => Promise<Store>>> = {
  memory: async () => new MemoryStore(),
  sqlite: async () =>
    new SqliteStore(toSqliteConfig(join(await createTempDirectory(), "tasks.db"), { synchronous: "normal" })),
};

afterAll(removeTempDirectories);

async function opened(store: Store): Promise<Store> {
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

describe.each(Object.entries(stores))("the store of %s", (_, create) => {
  it.each(storeCases)("$sentence", async ({ run }) => {
    await run(await opened(await create()));
  });
});

/** Accepts endings of whomever, as if every hold were the last. */
function withoutFence(store: Store): Store {
  const epochs = new Map<string, number>();
  const claim: Store["claim"] = async (request) => {
    const claimed = await store.claim(request);
    for (const { id, epoch } of claimed.jobs) epochs.set(id, epoch);
    return claimed;
  };
  const finish: Store["finish"] = ({ endings }) =>
    store.finish({ endings: endings.map((each) => ({ ...each, epoch: epochs.get(each.id) ?? each.epoch })) });
  return new Proxy(store, {
    get(_, key) {
      if (key === "claim") return claim;
      if (key === "finish") return finish;
      const own: unknown = Reflect.get(store, key, store);
      return typeof own === "function" ? own.bind(store) : own;
    },
  });
}

describe.each(Object.entries(stores))("the store of %s without a fence", (_, create) => {
  it.each(storeCases.filter(({ sentence }) => sentence.startsWith("refuses the ending")))(
    "does not pass: $sentence",
    async ({ run }) => {
      await expect(run(withoutFence(await opened(await create())))).rejects.toThrow();
    },
  );
});
