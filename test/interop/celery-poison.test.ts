import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { AmqpCeleryTransport } from "../support/amqp-celery-transport.ts";
import { RedisCeleryTransport, type CeleryTransport } from "../support/celery-transport.ts";
import { withRabbitmqAndRedis, withRedis } from "../support/test-servers.ts";
import { PoisonBench, queue } from "./poison/bench.ts";
import { brokenEnvelopes } from "./poison/broken-envelopes.ts";
import { brokenHeaders, brokenInstants } from "./poison/broken-headers.ts";
import { brokenMessages } from "./poison/broken-messages.ts";
import { brokenTables } from "./poison/broken-tables.ts";
import { call, withHeaders, type PoisonRow } from "./poison/row.ts";

function describePoison(bench: PoisonBench<CeleryTransport>, rows: readonly PoisonRow[]): void {
  const { transport } = bench;

  const carried = rows.filter(({ message }) => transport.carries(message("id")));
  it.each(carried.map((row) => [row.name, row] as const))("survives %s", async (_, row) => {
    await bench.send(row, (before, poison, after) => transport.push(queue, call(before), poison, call(after)));
  });

  it("runs what comes twice, or under the id of another, without losing anything", async () => {
    const [twice, broken, slow] = [randomUUID(), randomUUID(), randomUUID()];
    await transport.push(
      queue,
      call(twice),
      call(twice),
      { ...call(broken), body: "broken" },
      call(broken),
      call(slow),
      call(twice),
    );
    expect(await bench.settle([twice, broken, slow])).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
    // What has ended runs no more, and stays as it has ended.
    await transport.push(queue, withHeaders(twice, { task: "nobody.knows" }), call(randomUUID()));
    expect(await bench.settle([twice])).toEqual(["SUCCESS"]);
    expect(await transport.dead(queue)).toHaveLength(1);
  });

  it("gets through a thousand broken messages to a good one", async () => {
    const id = randomUUID();
    const broken = Array.from({ length: 1_000 }, () => ({ ...call(randomUUID()), body: "broken" }));
    await transport.push(queue, ...broken, call(id));
    expect(await bench.settle([id])).toEqual(["SUCCESS"]);
    expect(await transport.dead(queue)).toHaveLength(1_000);
  });
}

withRedis("messages that no sender should write, on Redis", { timeout: 40_000 }, () => {
  const transport = new RedisCeleryTransport(12);
  const bench = new PoisonBench(transport);
  beforeAll(() => bench.start(), 30_000);
  beforeEach(() => transport.clear());
  afterAll(() => bench.stop());

  describePoison(bench, [...brokenMessages, ...brokenHeaders, ...brokenInstants]);

  it.each(brokenEnvelopes(transport).map((row) => [row.name, row] as const))("survives %s", async (_, row) => {
    await bench.send(row, (before, poison, after) =>
      transport.pushTexts(queue, transport.toText(queue, call(before)), poison, transport.toText(queue, call(after))),
    );
  });
});

withRabbitmqAndRedis("messages that no sender should write, on RabbitMQ", { timeout: 40_000 }, () => {
  const transport = new AmqpCeleryTransport(12);
  const bench = new PoisonBench(transport);
  beforeAll(() => bench.start(), 60_000);
  beforeEach(() => transport.clear());
  afterAll(() => bench.stop(), 30_000);

  describePoison(bench, [...brokenMessages, ...brokenHeaders, ...brokenTables]);

  it("has acknowledged all of them", async () => {
    await bench.worker!.kill();
    expect(await transport.unfinished(queue)).toBe(0);
  });
});
