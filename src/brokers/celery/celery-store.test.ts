import { expect, test } from "vitest";
import type { WorkerInfo } from "../../tasks/broker.ts";
import { encodeTaskMessage } from "../../celery/encode-message.ts";
import { createTaskMessage } from "../../celery/message.ts";
import { CeleryStore } from "./celery-store.ts";
import type { Transport } from "./transport.ts";

const worker: WorkerInfo = { id: "worker", host: "host", pid: 1, queues: ["celery"], slots: 2 };

test("a job stays in hand whose next attempt comes while it is still being stored how the last one ended", async () => {
  const message = createTaskMessage({ id: "job", task: "resize" });
  const { headers, properties, body } = encodeTaskMessage(message, Date.now());
  const finishing: (() => void)[] = [];
  let epoch = 0;
  const transport = {
    claim: async () => ({
      taken: [{ queue: "celery", tag: `${++epoch}`, content: { headers, properties, body }, epoch, deliveries: 1 }],
      refused: [],
      nextMs: undefined,
    }),
    finish: () => new Promise<boolean>((resolve) => finishing.push(() => resolve(true))),
  } as unknown as Transport;
  const store = new CeleryStore(transport, { name: "node", defaultQueue: "celery" });
  const claim = () =>
    store.claim({ worker: worker.id, queues: ["celery"], count: 1, leaseMs: 30_000, maxDeliveries: 3 });
  const finish = (of: number, ending: "retry" | "succeeded") =>
    store.finish({
      endings: [
        {
          id: "job",
          epoch: of,
          ending:
            ending === "retry"
              ? { status: "retry", error: { name: "Error", message: "not yet" }, delayMs: 0 }
              : { status: "succeeded", result: "1" },
        },
      ],
    });
  await claim();
  const first = finish(1, "retry");
  await claim();
  finishing[0]!();
  expect(await first).toEqual([true]);
  const second = finish(2, "succeeded");
  finishing[1]!();
  expect(await second).toEqual([true]);
});
