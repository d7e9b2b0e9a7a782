import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LamportClock } from "../../celery/clock.ts";
import { decodeEvents } from "../../celery/event.ts";
import type { WireMessage } from "../../celery/message.ts";
import type { Mailbox } from "./mailbox.ts";
import { WorkerEvents } from "./worker-events.ts";

describe("the events of a worker", () => {
  let published: [routingKey: string, ...types: string[]][];
  let events: WorkerEvents;

  beforeEach(() => {
    vi.useFakeTimers();
    published = [];
    const publishEvents = async (routingKey: string, message: WireMessage): Promise<void> => {
      published.push([routingKey, ...decodeEvents(message).map(({ type }) => type)]);
    };
    const mailbox = { publishEvents } as Partial<Mailbox> as Mailbox;
    events = new WorkerEvents("ours@host", mailbox, new LamportClock(), () => ({ active: 1, processed: 2 }));
  });
  afterEach(() => vi.useRealTimers());

  it("are a heartbeat every two seconds, from its first word to its last", async () => {
    events.start();
    vi.advanceTimersByTime(4_000);
    await events.stop();
    vi.advanceTimersByTime(4_000);
    expect(published).toEqual([
      ["worker.online", "worker-online"],
      ["worker.heartbeat", "worker-heartbeat"],
      ["worker.heartbeat", "worker-heartbeat"],
      ["worker.offline", "worker-offline"],
    ]);
  });

  it("of its tasks travel together", async () => {
    for (let count = 0; count < 130; count++) events.tellTask(["task-started", { uuid: `${count}` }]);
    expect(published.map(([routingKey, ...types]) => [routingKey, types.length])).toEqual([["task.multi", 100]]);
    vi.advanceTimersByTime(100);
    expect(published[1]).toHaveLength(31);
    events.tellTask(["task-started", { uuid: "last" }]);
    await events.stop();
    expect(published.at(-1)).toEqual(["task.multi", "task-started"]);
    vi.advanceTimersByTime(1_000);
    expect(published).toHaveLength(3);
  });

  it("say nothing more of a worker that nobody heard of", async () => {
    await events.stop();
    expect(published).toEqual([]);
  });
});
