import { Client, task, Worker } from "afterword";
import { expect, test } from "vitest";
import { embeddedBrokers } from "../support/brokers.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

test.each(embeddedBrokers)(
  "a job that is retried by hand on $name starts at once, not at the next poll",
  async (kind) => {
    const broker = await kind.create();
    await using client = new Client({ broker });
    await using worker = new Worker({ broker, onError: () => {} });
    await worker.start();
    let runs = 0;
    const work = task("w.retried", { attempts: 1 }, async () => {
      runs++;
      if (runs < 4) throw new Error("not yet");
    });
    const job = await work.enqueue();
    for (let run = 1; run < 4; run++) {
      await waitUntil(async () => (await client.job(job.id).status()) === "failed");
      expect(await broker.retry({ ids: [job.id] })).toEqual([true]);
      // Polls are 750 ms apart at least.
      await waitUntil(() => runs === run + 1, { withinMs: 600 });
    }
    await waitUntil(async () => (await client.job(job.id).status()) === "succeeded");
  },
);
