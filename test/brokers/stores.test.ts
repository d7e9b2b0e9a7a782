import { afterAll, expect, it, onTestFinished } from "vitest";
import type { Store } from "../../src/brokers/pulled/store.ts";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { stores } from "./all-stores.ts";
import { dropTemplate } from "./postgres-setup.ts";
import { storeCases } from "./store-cases.ts";

afterAll(removeTempDirectories);
afterAll(dropTemplate);

async function opened(store: Store): Promise<Store> {
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

for (const { name, describe, create } of stores)
  describe(`the store of ${name}`, () => {
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

for (const { name, describe, create } of stores)
  describe(`the store of ${name} without a fence`, () => {
    it.each(storeCases.filter(({ sentence }) => sentence.startsWith("refuses the ending")))(
      "does not pass: $sentence",
      async ({ run }) => {
        await expect(run(withoutFence(await opened(await create())))).rejects.toThrow();
      },
    );
  });
