import assert from "node:assert/strict";
import type { Broker } from "../../../tasks/broker.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";

interface Hearing {
  count: number;
  readonly end: () => void;
  hasHeardOf(id: string): boolean;
}

function hear(broker: Broker): Hearing {
  const ids = new Set<string>();
  let isVague = false;
  const hearing: Hearing = {
    count: 0,
    hasHeardOf: (id) => isVague || ids.has(id),
    end: broker.subscribe((changed) => {
      hearing.count++;
      if (changed === undefined) isVague = true;
      else for (const id of changed) ids.add(id);
    }),
  };
  return hearing;
}

export const changesCases: CaseGroup = {
  name: "subscribe",
  cases: [
    brokerCase("tells of jobs that are stored", [], async (bench) => {
      const hearing = hear(bench.broker);
      const { id } = await bench.enqueue();
      await bench.until(() => hearing.hasHeardOf(id), "the listener has heard of the job");
      hearing.end();
    }),
    brokerCase("tells of jobs that end", ["results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      const hearing = hear(bench.broker);
      holding.letGo();
      await bench.succeed(id);
      await bench.until(() => hearing.hasHeardOf(id), "the listener has heard of the end");
      hearing.end();
    }),
    brokerCase("tells of what other connections do", ["connections", "results"], async (bench) => {
      const another = await bench.another();
      const first = hear(bench.broker);
      const { id } = await bench.enqueue({}, another);
      await bench.until(() => first.hasHeardOf(id), "the listener has heard of the job");
      first.end();
      const second = hear(bench.broker);
      bench.consume(() => succeeded(), { broker: another });
      await bench.status(id, "succeeded", another);
      await bench.until(() => second.hasHeardOf(id), "the listener has heard of the end");
      second.end();
    }),
    brokerCase("tells nothing more to who has ended it", [], async (bench) => {
      const ended = hear(bench.broker);
      const other = hear(bench.broker);
      ended.end();
      ended.end();
      const { id } = await bench.enqueue();
      await bench.until(() => other.hasHeardOf(id), "the other listener has heard of the job");
      assert.equal(ended.count, 0);
      other.end();
    }),
  ],
};
