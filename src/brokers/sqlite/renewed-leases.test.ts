import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { maxSilenceMs, RenewedLeases } from "./renewed-leases.ts";
import type { Operation } from "./verbs.ts";
import type { Writer } from "./writer.ts";

const leaseMs = 6_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function claimed(id: string, worker: string): [Operation, { value: unknown }] {
  const request = { worker, queues: ["default"], count: 1, leaseMs, maxDeliveries: 3 };
  const row = [id, "noop", "default", "[]", "{}", "{}", 1, 1, 7];
  return [{ verb: "claim", request }, { value: { rows: [row], nextMs: undefined } }];
}

function create(): { leases: RenewedLeases; renewed: () => unknown[] } {
  const execute = vi.fn<Writer["execute"]>(() => ({ results: [], changed: [] }));
  const leases = new RenewedLeases({ execute } as unknown as Writer);
  const renewed = (): unknown[] =>
    execute.mock.calls.splice(0).map(([[operation]]) => (operation!.request as { id: string }[]).map(({ id }) => id));
  return { leases, renewed };
}

function note(leases: RenewedLeases, ...pairs: readonly [Operation, { value: unknown }][]): void {
  leases.note(
    pairs.map(([operation]) => operation),
    pairs.map(([, result]) => result),
  );
}

describe("the thread", () => {
  it("renews the leases of a main thread that is silent, before they run out", () => {
    const { leases, renewed } = create();
    note(leases, claimed("a", "w"));
    vi.advanceTimersByTime(leaseMs / 3);
    expect(renewed()).toEqual([]);
    vi.advanceTimersByTime(leaseMs / 3);
    expect(renewed()).toContainEqual(["a"]);
    leases.stop();
  });

  it("leaves the main thread to it while that is heard of", () => {
    const { leases, renewed } = create();
    note(leases, claimed("a", "w"));
    for (let times = 0; times < 20; times++) {
      vi.advanceTimersByTime(leaseMs / 3 - 1);
      note(leases, [{ verb: "counts", request: undefined }, { value: [] }]);
    }
    expect(renewed()).toEqual([]);
    leases.stop();
  });

  it("renews nothing of what has ended, was lost, or was left behind by a worker that has gone", () => {
    const { leases, renewed } = create();
    note(leases, claimed("ended", "w"), claimed("lost", "w"), claimed("left", "gone"), claimed("held", "w"));
    const accepted = { succeeded: "all", others: [] };
    note(
      leases,
      [{ verb: "finish", request: { succeeded: ["ended", 7, "1"], others: [] } }, { value: accepted }],
      [{ verb: "extend", request: undefined }, { value: { lost: ["lost"], canceled: [] } }],
      [{ verb: "leave", request: "gone" }, { value: undefined }],
    );
    vi.advanceTimersByTime(leaseMs / 2);
    expect(renewed()).toEqual([["held"]]);
    leases.stop();
  });

  it("gives up a main thread that is silent for very long", () => {
    const { leases, renewed } = create();
    note(leases, claimed("a", "w"));
    vi.advanceTimersByTime(maxSilenceMs);
    expect(renewed().length).toBeGreaterThan(100);
    vi.advanceTimersByTime(maxSilenceMs);
    expect(renewed()).toEqual([]);
    leases.stop();
  });
});
